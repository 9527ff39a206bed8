import { readFile } from 'node:fs/promises'
import { Problem } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { StoreDocument } from '../core/store-document.ts'
import { dayPath, keptDays } from './days.ts'
import { generationPaths, readGeneration } from './generations.ts'
import type { Generation } from './older-rule.ts'
import { readStoreFile, storeText } from './store-file.ts'

/** What bringing an older generation back would do. */
export interface StoreRestore {
  readonly from: string
  readonly keptAt: string
  readonly homes: readonly string[]
  readonly devices: readonly string[]
  /** Homes and devices that only the older, and only the present file has; null: the present one cannot be read. */
  readonly differences: {
    readonly returning: readonly string[]
    readonly leaving: readonly string[]
  } | null
  /** Where the present file stays; null: there is none. */
  readonly aside: string | null
  readonly carryOut: () => Promise<void>
}

/**
 * Prepares to bring an older generation back. Whoever calls holds the hub's socket, so that nobody writes meanwhile.
 * @param which generation: 1 is the newest, 2 one from before much was removed; or a day, `2026-12-01`: the store as it was
 *   when that day's first change came.
 * @throws {Problem} `store-damaged` when there is no such generation, or it is damaged too.
 */
export async function prepareRestore(path: string, which: 1 | 2 | string): Promise<StoreRestore> {
  const from = typeof which === 'string' ? dayPath(path, which) : (generationPaths(path)[which - 1] ?? path)
  const generation = await readGeneration(from)
  if (generation === null) throw await missing(from, path, which)
  const { document, keptAt } = generation
  const present = await readStoreFile(path).catch(() => null)
  const bytes = await readFile(path).catch(() => null)
  const aside = bytes === null ? null : `${path.replace(/\.json$/, '')}.before-restore.json`
  return {
    from,
    keptAt: keptAt.toISOString(),
    homes: document.homes.map(({ name }) => name),
    devices: document.devices.map(({ name }) => name),
    differences: present === null ? null : { returning: onlyIn(document, present), leaving: onlyIn(present, document) },
    aside,
    carryOut: async () => {
      if (aside !== null && bytes !== null) await writeFileAtomic(aside, bytes)
      await writeFileAtomic(path, storeText(document))
    },
  }
}

/** The problem, with the generation that can be brought back, where there is one and the problem is the store's. */
export async function nameOlder(thrown: unknown, path: string): Promise<unknown> {
  if (!(thrown instanceof Problem) || (thrown.code !== 'store-damaged' && thrown.code !== 'store-newer')) return thrown
  for (const [index, older] of generationPaths(path).entries()) {
    const generation = await readGeneration(older)
    if (generation === null) continue
    const command = `sudo homeward hub restore-store${index === 0 ? '' : ' --generation 2'}`
    const next = `${command} brings back the store of ${said(generation)}; ${lowerFirst(thrown.next)}`
    return new Problem(thrown.code, { what: thrown.what, why: thrown.why, next, cause: thrown })
  }
  return thrown
}

async function missing(from: string, path: string, which: 1 | 2 | string): Promise<Problem> {
  const others = [1, 2, ...(await keptDays(path))].filter((one) => one !== which)
  const readable = await Promise.all(
    others.map((one) =>
      readGeneration(typeof one === 'string' ? dayPath(path, one) : (generationPaths(path)[one - 1] ?? path)),
    ),
  )
  const other = others[readable.findIndex((one) => one !== null)]
  return new Problem('store-damaged', {
    what: `bringing back ${from}`,
    why: 'there is no such file, or it is damaged too',
    next:
      other === undefined
        ? 'Put back a backup of the store; nothing was changed'
        : `Bring back the other one: sudo homeward hub restore-store --generation ${other}`,
  })
}

/** `2026-11-30 07:12 UTC, with 2 homes and 1 device`. */
function said({ document, keptAt }: Generation): string {
  const [homes, devices] = [document.homes.length, document.devices.length]
  const time = keptAt.toISOString().slice(0, 16).replace('T', ' ')
  return `${time} UTC, with ${homes} home${homes === 1 ? '' : 's'} and ${devices} device${devices === 1 ? '' : 's'}`
}

function onlyIn(one: StoreDocument, other: StoreDocument): readonly string[] {
  const names = new Set([...other.homes, ...other.devices].map(({ publicKey }) => publicKey))
  return [...one.homes, ...one.devices].filter(({ publicKey }) => !names.has(publicKey)).map(({ name }) => name)
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`
}
