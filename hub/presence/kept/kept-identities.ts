import * as v from 'valibot'
import { quoted } from '../../../problems/printable.ts'
import { reasonOf } from '../../../problems/problem.ts'
import type { SaidMachine } from '../../../protocol/machine.ts'
import { writeFileAtomic } from '../../../system/files/atomic-file.ts'
import { readJsonFile } from '../../../system/files/json-file.ts'
import type { Log } from '../../../system/process/log.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { hashOf } from '../../core/secret.ts'
import type { Home } from '../../core/store-document.ts'
import { type Identity, IdentitySchema, type Instance, noteMachine } from './identities.ts'

/** Which machines register as each home; kept over restarts. */
export interface Identities {
  /** Takes a registration. @returns whether it is news, today, that two machines are the home. */
  readonly registered: (home: Home, machine: SaidMachine, from: string) => boolean
  /** The machines of a home that has two, the last one to register last; null: it has one, as far as is known. */
  readonly twice: (home: Home) => Twice | null
  /** The machines that registered since the home joined, the last one last. */
  readonly machinesOf: (home: Home) => readonly Instance[]
  /** Forgets all homes but these. */
  readonly keep: (homes: readonly string[]) => void
  /** Resolves when all changes are on disk. */
  readonly settled: () => Promise<void>
}

export interface Twice {
  /** ISO 8601, by the hub's calendar. */
  readonly since: string
  readonly machines: readonly Instance[]
}

/** How often it is told again while both are heard. */
const AGAIN_MS = 24 * 3_600_000

/** Opens the memory. A damaged or missing file is an empty one: two machines are noticed again. */
export async function openIdentities(path: string, clock: Pick<Clock, 'now' | 'wall'>, log: Log): Promise<Identities> {
  const known = new Map<string, Identity>(
    Object.entries((await readJsonFile(path, v.record(v.string(), IdentitySchema))) ?? {}),
  )
  /** When each home's machines were last told, monotonic milliseconds. */
  const told = new Map<string, number>()
  let writing = Promise.resolve()

  function save(): void {
    const text = `${JSON.stringify(Object.fromEntries(known))}\n`
    writing = writing.then(() =>
      writeFileAtomic(path, text).catch((thrown: unknown) => {
        log.warn({ path, why: reasonOf(thrown) }, 'which machines are a home could not be written down')
      }),
    )
  }

  return {
    registered: (home, machine, from) => {
      const before = known.get(home.name) ?? null
      const after = noteMachine(before, joinOf(home), machine, from.replace(/^::ffff:/, ''), clock.wall())
      known.set(home.name, after)
      // Most registrations change a time alone, which storage is not worn for.
      const says = ({ of, instances, returned, twiceSince }: Identity) =>
        JSON.stringify([of, instances.map(({ boot }) => boot), returned.map(({ boot }) => boot), twiceSince])
      if (before === null || says(before) !== says(after)) save()
      if (after.twiceSince === null || before?.instances.at(-1)?.boot === machine.boot) return false
      const isNews = before?.twiceSince == null || clock.now() - (told.get(home.name) ?? clock.now()) >= AGAIN_MS
      if (isNews || !told.has(home.name)) told.set(home.name, clock.now())
      return isNews
    },
    twice: (home) => {
      const identity = known.get(home.name)
      if (identity === undefined || identity.of !== joinOf(home) || identity.twiceSince === null) return null
      return { since: identity.twiceSince, machines: identity.instances }
    },
    machinesOf: (home) => {
      const identity = known.get(home.name)
      return identity?.of === joinOf(home) ? identity.instances : []
    },
    keep: (homes) => {
      const gone = [...known.keys()].filter((name) => !homes.includes(name))
      for (const name of gone) {
        known.delete(name)
        told.delete(name)
      }
      if (gone.length > 0) save()
    },
    settled: () => writing,
  }
}

/** Tells the joins of a home apart: who joins again has another secret. */
function joinOf({ secretHash }: Pick<Home, 'secretHash'>): string {
  return hashOf(secretHash).slice(0, 16)
}

/** Where no daemon runs: nobody registers. */
export const NO_IDENTITIES: Identities = {
  registered: () => false,
  twice: () => null,
  machinesOf: () => [],
  keep: () => undefined,
  settled: async () => undefined,
}

/** Warnings of the hub's status. */
export function sharedWarnings(identities: Pick<Identities, 'twice'>, homes: readonly Home[]): readonly string[] {
  return homes.flatMap((home) => {
    const twice = identities.twice(home)
    if (twice === null) return []
    const since = `${twice.since.slice(0, 16)}Z`
    return [
      `two machines have the identity of ${home.name} since ${since}: ${machinesText(twice)}. Its card was copied, or taken: sudo homeward hub revoke-other ${home.name}`,
    ]
  })
}

/** The machines for people, as `"pi" at 198.51.100.7 since …`. Their names are their own words. */
export function machinesText({ machines }: Twice): string {
  return machines.slice(-2).map(machineText).join(' and ')
}

function machineText({ name, from, since }: Pick<Instance, 'name' | 'from' | 'since'>): string {
  return `${name === undefined ? 'a machine' : quoted(name, 40)} at ${from}, first heard ${since.slice(0, 16)}Z`
}
