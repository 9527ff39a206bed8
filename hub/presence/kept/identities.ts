import * as v from 'valibot'
import { MachineSchema, type SaidMachine } from '../../../protocol/machine.ts'

const TimeSchema = v.pipe(v.string(), v.isoTimestamp())

/** A machine since it was switched on: what registered under one boot id. */
const InstanceSchema = v.object({
  ...MachineSchema.entries,
  /** The address that its last registration came from. */
  from: v.pipe(v.string(), v.maxLength(64)),
  since: TimeSchema,
  last: TimeSchema,
})

/** What the hub knows of who registers as one home. */
export const IdentitySchema = v.object({
  /** The join that it is of: who joins again is looked at afresh. */
  of: v.string(),
  /** The last one to register is the last. */
  instances: v.array(InstanceSchema),
  /** Boot ids that registered again after another one, and when they last did. */
  returned: v.array(v.object({ boot: v.string(), at: TimeSchema })),
  /** Since when it is certain that there are two machines; null: it is not. */
  twiceSince: v.nullable(TimeSchema),
})

export type Instance = Readonly<v.InferOutput<typeof InstanceSchema>>
export type Identity = Readonly<v.InferOutput<typeof IdentitySchema>>

/** Machines of a home that are remembered. */
const MOST_INSTANCES = 4
/** How long a return counts: two machines that both live register each ten minutes. */
const RETURNS_COUNT_MS = 3_600_000

/**
 * Takes a registration. The boot id of a machine is another one after each boot and never comes back (random(4)): whoever
 * is heard by a boot id that another one had followed is alive beside that other one. So a reboot, a reinstallation, a
 * card that is moved to other hardware make a new boot id and nothing else. The one machine whose boot id does come back
 * is a virtual one that is set back to a snapshot of its memory; that one has the same hardware, and the boot id
 * between is gone. So with the same hardware both must have returned, the one after the other.
 * @param of which join the caller has authenticated by.
 */
export function noteMachine(
  before: Identity | null,
  of: string,
  machine: SaidMachine,
  from: string,
  now: Date,
): Identity {
  const at = now.toISOString()
  const known: Identity = before?.of === of ? before : { of, instances: [], returned: [], twiceSince: null }
  const current = known.instances.at(-1)
  const same = known.instances.find(({ boot }) => boot === machine.boot)
  const instance: Instance = { ...machine, from, since: same?.since ?? at, last: at }
  const instances = [...known.instances.filter((one) => one !== same), instance].slice(-MOST_INSTANCES)
  if (same === undefined || current === undefined || current === same) return { ...known, instances }
  const returned = [
    ...known.returned.filter(
      (one) => one.boot !== machine.boot && now.getTime() - Date.parse(one.at) < RETURNS_COUNT_MS,
    ),
    { boot: machine.boot, at },
  ]
  const isTwice = current.id !== machine.id || returned.some(({ boot }) => boot === current.boot)
  return { ...known, instances, returned, twiceSince: known.twiceSince ?? (isTwice ? at : null) }
}
