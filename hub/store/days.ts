import { readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeFolder, writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { StoreDocument } from '../core/store-document.ts'
import { storeText } from './store-file.ts'

/** How many days are kept. A store that does not change writes none: the days reach back as far as seven changes do. */
const KEPT_DAYS = 7

const FILE = /^\d{4}-\d{2}-\d{2}\.json$/

/** A day as the files are named, `2026-12-01`, by UTC. */
export function isDay(text: string): boolean {
  return FILE.test(`${text}.json`)
}

/** The store as it was when that day's first change came. */
export function dayPath(store: string, day: string): string {
  return join(folderOf(store), `${day}.json`)
}

/** The days that there are, the newest first. */
export async function keptDays(store: string): Promise<readonly string[]> {
  const names = await readdir(folderOf(store)).catch(() => [])
  return names
    .filter((name) => FILE.test(name))
    .map((name) => name.replace('.json', ''))
    .toSorted()
    .toReversed()
}

/** Keeps the present document as that of today, before the day's first change takes its place. */
export async function keepDay(store: string, present: StoreDocument, now: Date): Promise<void> {
  const day = now.toISOString().slice(0, 10)
  const days = await keptDays(store)
  if (days.includes(day)) return
  await makeFolder(folderOf(store))
  await writeFileAtomic(dayPath(store, day), storeText(present))
  // By name: a day that a wrong clock has named goes in its turn.
  for (const old of [day, ...days].toSorted().toReversed().slice(KEPT_DAYS))
    await rm(dayPath(store, old), { force: true })
}

function folderOf(store: string): string {
  return join(dirname(store), 'store-days')
}
