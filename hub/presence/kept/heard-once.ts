import * as v from 'valibot'
import { reasonOf } from '../../../problems/problem.ts'
import { writeFileAtomic } from '../../../system/files/atomic-file.ts'
import { readJsonFile } from '../../../system/files/json-file.ts'
import type { Clock } from '../../../system/time/clock.ts'
import type { Log } from '../../../system/process/log.ts'
import type { Home } from '../../core/store-document.ts'

/**
 * Homes that were heard at least once since they joined, kept over restarts: a home that was heard and is silent now is
 * dark, one that never was is still awaited. Not part of the store: what is lost is learned again.
 */
export interface HeardOnce {
  readonly has: (home: Joined) => boolean
  readonly note: (home: Joined) => void
  /** Forgets all homes but these. */
  readonly keep: (homes: readonly Joined[]) => void
  /** Writes what is new. Never throws. */
  readonly save: () => Promise<void>
}

/** Identity of a membership: a home that joins again under its name is awaited again. */
type Joined = Pick<Home, 'name' | 'joinedAt'>

/** How long to wait after a failed write. */
const AGAIN_MS = 60_000

/** Opens the memory. A damaged or missing file is an empty one. */
export async function openHeardOnce(path: string, clock: Clock, log: Log): Promise<HeardOnce> {
  const joinedAt = await readHeard(path)
  let isNew = false
  let notBefore = -Infinity

  return {
    has: (home) => joinedAt.get(home.name) === home.joinedAt,
    note: (home) => {
      if (joinedAt.get(home.name) === home.joinedAt) return
      joinedAt.set(home.name, home.joinedAt)
      isNew = true
    },
    keep: (homes) => {
      const kept = new Set(homes.map(({ name }) => name))
      for (const name of joinedAt.keys()) if (!kept.has(name)) isNew = joinedAt.delete(name) || isNew
    },
    save: async () => {
      if (!isNew || clock.now() < notBefore) return
      isNew = false
      try {
        await writeFileAtomic(path, `${JSON.stringify(Object.fromEntries(joinedAt))}\n`)
      } catch (thrown) {
        isNew = true
        notBefore = clock.now() + AGAIN_MS
        log.warn({ path, why: reasonOf(thrown) }, 'which homes were heard could not be written down')
      }
    },
  }
}

async function readHeard(path: string): Promise<Map<string, string>> {
  return new Map(Object.entries((await readJsonFile(path, v.record(v.string(), v.string()))) ?? {}))
}
