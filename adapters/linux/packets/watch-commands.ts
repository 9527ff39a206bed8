/** Tables that watch packets of our own for a moment; they change no packet and drop none. Pure. */

/** Packets to watch, as conditions of nft. */
export interface WatchedKind {
  /** A word that names its counters. */
  readonly name: string
  /** How the packets are known from first to last: by what no rule changes on the way. */
  readonly match: string
  /** Conditions that hold where they arrive only, such as the port before it is translated. */
  readonly arriving?: string
  /** The condition by which a packet behind the last chain of input is at the port that it is for. */
  readonly atPort: string
  /** The length that UDP's header says, where that tells this kind from others of one watch. */
  readonly length?: number
  /** Packets that this machine sends instead: from its first chain of output to its last of postrouting. */
  readonly isOutgoing?: boolean
  /** They may be many: they are counted and not traced. */
  readonly isQuiet?: boolean
}

const NAME = 'homeward_watch'

export function isWatchTable(table: string): boolean {
  return table.includes(` ${NAME}`)
}

/** Before every other chain, and behind every other: a chain's priority is a signed integer of 32 bits. */
const FIRST = -2_147_483_648
const LAST = 2_147_483_647

/** Lines for `nft -i`, each a change by itself: a device or hook that the kernel refuses keeps the others from nothing. */
export function watchCommands(
  kinds: readonly WatchedKind[],
  devices: readonly string[],
  tunnel: string,
  [outer, inner]: readonly [string, string],
): readonly string[] {
  const plain = devices.filter((device) => /^[\w.@-]+$/.test(device))
  const coming = kinds.filter((kind) => kind.isOutgoing !== true)
  const going = kinds.filter((kind) => kind.isOutgoing === true)
  const seen = ({ match, arriving = '', isQuiet = false }: WatchedKind): string =>
    [match, arriving, ...(isQuiet ? [] : ['meta nftrace set 1'])].join(' ')
  return [
    `add table ${outer}`,
    ...coming.map(({ name }) => `add counter ${outer} ${name}`),
    ...plain.flatMap((device, index) => [
      `add chain ${outer} from_${index} { type filter hook ingress device "${device}" priority ${FIRST}; policy accept; }`,
      ...coming.map((kind) => `add rule ${outer} from_${index} ${seen(kind)} counter name ${kind.name}`),
    ]),
    `add table ${inner}`,
    ...kinds.flatMap(({ name }) => COUNTERS.map((place) => `add counter ${inner} ${name}_${place}`)),
    ...chain(inner, 'first', 'prerouting', FIRST),
    ...coming.map((kind) => `add rule ${inner} first ${seen(kind)} counter name ${kind.name}_first`),
    ...chain(inner, 'local', 'input', LAST),
    ...coming.flatMap(({ name, match, atPort }) => [
      `add rule ${inner} local ${match} ${atPort} counter name ${name}_local accept`,
      `add rule ${inner} local ${match} counter name ${name}_other`,
    ]),
    ...chain(inner, 'through', 'forward', LAST),
    ...coming.flatMap(({ name, match }) => [
      `add rule ${inner} through ${match} oifname "${tunnel}" counter name ${name}_tunnel accept`,
      `add rule ${inner} through ${match} counter name ${name}_elsewhere`,
    ]),
    ...chain(inner, 'made', 'output', FIRST),
    ...going.map((kind) => `add rule ${inner} made ${seen(kind)} counter name ${kind.name}_first`),
    ...chain(inner, 'left', 'postrouting', LAST),
    ...going.map(({ name, match }) => `add rule ${inner} left ${match} counter name ${name}_local`),
    `add counter ${inner} ${READY}`,
  ]
}

function chain(table: string, name: string, hook: string, priority: number): readonly string[] {
  return [`add chain ${table} ${name} { type filter hook ${hook} priority ${priority}; policy accept; }`]
}

const COUNTERS = ['first', 'local', 'other', 'tunnel', 'elsewhere'] as const

/** The counter that comes last: where it is, all that can be made is made. */
const READY = 'watching'

interface Counted {
  readonly family: string
  readonly name: string
  readonly packets: number
}

/** Whether a listing of counters has those of a watch that is complete. */
export function isWatching(counters: readonly Counted[]): boolean {
  return counters.some(({ family, name }) => family === 'inet' && name === READY)
}

/** What was counted of one kind. @param counters those of our two tables. @param hasOuter whether a device is watched. */
export function sightingsOf(
  { name: kind, isOutgoing = false }: WatchedKind,
  counters: readonly Counted[],
  hasOuter: boolean,
) {
  const count = (family: string, name: string): number =>
    counters.find((one) => one.family === family && one.name === name)?.packets ?? 0
  return {
    outer: isOutgoing ? count('inet', `${kind}_first`) : hasOuter ? count('netdev', kind) : null,
    first: count('inet', `${kind}_first`),
    local: count('inet', `${kind}_local`),
    otherPort: count('inet', `${kind}_other`),
    intoTunnel: count('inet', `${kind}_tunnel`),
    elsewhere: count('inet', `${kind}_elsewhere`),
  }
}
