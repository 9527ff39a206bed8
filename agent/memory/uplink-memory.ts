import { join } from 'node:path'
import * as v from 'valibot'
import { reasonOf } from '../../problems/problem.ts'
import { OutgoingListSchema } from '../../protocol/publications.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import { makeMutex } from '../../system/process/mutex.ts'

const UplinkSchema = v.object({
  schema: v.literal(1),
  /** The tunnel's MTU where large packets got lost, bytes; null: agent.yaml's is right. */
  mtu: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(576), v.maxValue(9000))),
  /** The longest silence that the carrier's mapping survived; null: not measured. */
  lifeSeconds: v.nullable(v.pipe(v.number(), v.minValue(0))),
  lifeMeasuredAt: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
  /** The remedy that helped last, by cause. */
  helped: v.record(v.string(), v.string()),
  /** The hub's word: visitors of published ports come with their own addresses. */
  visitors: v.optional(v.boolean(), false),
  /** The hub's word: what shall leave by it. */
  outgoing: v.optional(OutgoingListSchema, []),
  /** Failbacks that failed in a row on this line: they make the next one rarer. */
  failbackFailures: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
  /** The address at which this hub, known by its WireGuard key, last answered through the tunnel; null: none yet. */
  provenHub: v.optional(v.nullable(v.object({ publicKey: v.string(), address: v.string() })), null),
})

/** Facts that a home's line and its hub have taught. The file outlives the agent, and `homeward plan` uses it too. */
export type UplinkFacts = Readonly<v.InferOutput<typeof UplinkSchema>>

export interface UplinkMemory {
  readonly current: UplinkFacts
  /**
   * Takes what is new; writes nothing when nothing is. Never throws: `current` has it in any case.
   * @returns why it could not be written down; null when it was, or need not be.
   */
  readonly change: (patch: Partial<Omit<UplinkFacts, 'schema'>>) => Promise<string | null>
}

/** The facts of a line of which nothing is known yet. */
export const UNKNOWN_UPLINK: UplinkFacts = {
  schema: 1,
  mtu: null,
  lifeSeconds: null,
  lifeMeasuredAt: null,
  helped: {},
  visitors: false,
  outgoing: [],
  failbackFailures: 0,
  provenHub: null,
}

/** Opens the memory and never fails: what cannot be read is forgotten, and learned again. */
export async function openUplinkMemory(stateDir: string): Promise<UplinkMemory> {
  const path = uplinkPath(stateDir)
  let current = await readUplink(stateDir)
  let written = JSON.stringify(current)
  const mutex = makeMutex()

  /** Writes what is current when the write begins, so that the last writer has everything. */
  async function write(): Promise<string | null> {
    const text = JSON.stringify(current)
    if (text === written) return null
    try {
      await writeFileAtomic(path, `${text}\n`)
      written = text
      return null
    } catch (thrown) {
      return reasonOf(thrown)
    }
  }

  return {
    get current() {
      return current
    },
    change: (patch) => {
      current = { ...current, ...patch }
      return mutex.runExclusive(write)
    },
  }
}

/** The facts learned until now; UNKNOWN_UPLINK when there are none, or none that can be read. */
export async function readUplink(stateDir: string): Promise<UplinkFacts> {
  return (await readJsonFile(uplinkPath(stateDir), UplinkSchema)) ?? UNKNOWN_UPLINK
}

export function uplinkPath(stateDir: string): string {
  return join(stateDir, 'line.json')
}
