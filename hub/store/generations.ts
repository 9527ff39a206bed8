import { readFile, stat } from 'node:fs/promises'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { StoreDocument } from '../core/store-document.ts'
import { keepDay } from './days.ts'
import { type Generation, isWorthKeeping, isWorthPuttingAside } from './older-rule.ts'
import { readStoreFile, storeText } from './store-file.ts'

/** Older generations of the store, beside it. They have its secrets, and are as closed as it is. */
export interface Generations {
  /** Keeps the present document where that is due. Never throws: a full disk fails the change itself. */
  readonly before: (present: StoreDocument, next: StoreDocument) => Promise<void>
}

/** The files, the newest first. */
export function generationPaths(path: string): readonly [string, string] {
  return [1, 2].map((number) => `${path.replace(/\.json$/, '')}.${number}.json`) as [string, string]
}

/** The file that says which homeward wrote the store. */
function versionPath(path: string): string {
  return `${path.replace(/\.json$/, '')}.version`
}

/** A generation that can be brought back; null: the file is gone, or no better than a damaged store. */
export async function readGeneration(path: string): Promise<Generation | null> {
  try {
    return { document: await readStoreFile(path), keptAt: (await stat(path)).mtime }
  } catch {
    return null
  }
}

/** @param version of this homeward. */
export function openGenerations(path: string, version: string, clock: Clock): Generations {
  const [firstPath, secondPath] = generationPaths(path)
  /** The day whose document was kept last; null: not looked at yet. */
  let day: string | null = null
  let kept: { first: Generation | null; second: Generation | null; version: string | null } | null = null

  async function keep(present: StoreDocument, next: StoreDocument): Promise<void> {
    kept ??= {
      first: await readGeneration(firstPath),
      second: await readGeneration(secondPath),
      version: await versionIn(versionPath(path)),
    }
    const now = clock.wall()
    if (day !== now.toISOString().slice(0, 10)) {
      // A full disk keeps none of the others from being kept.
      await keepDay(path, present, now).catch(() => undefined)
      day = now.toISOString().slice(0, 10)
    }
    const isOtherVersion = kept.version !== version
    if (!isWorthKeeping(kept.first, present, next, { isOtherVersion, now })) return
    if (kept.first !== null && isWorthPuttingAside(kept.first, kept.second, present, now)) {
      await writeFileAtomic(secondPath, storeText(kept.first.document))
      kept.second = { document: kept.first.document, keptAt: now }
    }
    await writeFileAtomic(firstPath, storeText(present))
    kept.first = { document: present, keptAt: now }
    if (!isOtherVersion) return
    await writeFileAtomic(versionPath(path), `${version}\n`)
    kept.version = version
  }

  return { before: (present, next) => keep(present, next).catch(() => undefined) }
}

async function versionIn(path: string): Promise<string | null> {
  return await readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => null,
  )
}
