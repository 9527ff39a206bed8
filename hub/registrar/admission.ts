import { groupsOf, type Group } from './source-groups.ts'
import { makeUnfinished } from './unfinished.ts'

/**
 * Who may have a connection to the registrar while more want one than there is room for. The newest is always let in:
 * a home asks for a moment and goes, and whoever holds places without asking has held them for longer. What goes is the
 * oldest of the source that has most. Time is an argument, monotonic milliseconds.
 */
export interface Admission {
  /**
   * Lets a connection in.
   * @param isHome whether WireGuard heard a home from its address lately.
   * @returns connections that have to go for it.
   */
  readonly opened: (id: string, address: string, isHome: boolean, now: number) => readonly string[]
  /** The TLS handshake has ended. */
  readonly shaken: (id: string) => void
  /** A request has come, with all its headers. */
  readonly asked: (id: string) => void
  readonly answered: (id: string) => void
  /** The connection has ended, or is none of ours any more. */
  readonly left: (id: string, now: number) => void
  /** How many are let in. */
  readonly count: () => number
}

const LIMITS = {
  places: 512,
  /** Of those, for homes that WireGuard heard: strangers cannot take them, however many come. */
  forHomes: 96,
  /** Of those, for one source: a stranger may share a home's address behind the carrier's NAT. */
  forHomesOfOneSource: 16,
  /** From this many handshakes under way on, one that takes long is given up; a line that loses packets may take longer. */
  handshakes: 64,
  handshakeMs: 2_000,
  /** Places of a source most of whose connections asked nothing. */
  unfinishedPlaces: 2,
} as const

interface Connection {
  readonly id: string
  readonly groups: readonly Group[]
  readonly openedAt: number
  /** Whether it has one of the homes' places. */
  readonly isHome: boolean
  phase: 'shaking' | 'silent' | 'asking' | 'idle'
  hasAsked: boolean
}

/** The connections of a group, in the order in which they were opened. */
interface Members {
  readonly factor: number
  readonly strangers: Set<Connection>
  readonly homes: Set<Connection>
}

type Whom = 'strangers' | 'everybody'

/** Which connection of a source goes first: one that asked nothing, then one that waits for another question. */
const GOES: Readonly<Record<Connection['phase'], number>> = { shaking: 0, silent: 0, idle: 1, asking: 2 }

export function makeAdmission(): Admission {
  const connections = new Map<string, Connection>()
  const everybody: Members = { factor: 1, strangers: new Set(), homes: new Set() }
  const byGroup = new Map<string, Members>()
  const shaking = new Set<Connection>()
  const unfinished = makeUnfinished()

  function membersOf({ key, factor }: Group): Members {
    const members = byGroup.get(key) ?? { factor, strangers: new Set(), homes: new Set() }
    byGroup.set(key, members)
    return members
  }

  function begin(connection: Connection): void {
    connections.set(connection.id, connection)
    shaking.add(connection)
    for (const members of [everybody, ...connection.groups.map(membersOf)])
      members[connection.isHome ? 'homes' : 'strangers'].add(connection)
  }

  function end(connection: Connection, now: number, how: 'by itself' | 'dropped'): void {
    connections.delete(connection.id)
    shaking.delete(connection)
    everybody[connection.isHome ? 'homes' : 'strangers'].delete(connection)
    for (const group of connection.groups) {
      const { strangers, homes } = membersOf(group)
      strangers.delete(connection)
      homes.delete(connection)
      if (strangers.size + homes.size === 0) byGroup.delete(group.key)
      // Nobody can be blamed for what was not given the time.
      if (how === 'by itself' || now - connection.openedAt >= LIMITS.handshakeMs)
        unfinished.note(group, connection.hasAsked, now)
    }
  }

  /** The connections that must go for one that is about to come. */
  function victimsFor(groups: readonly Group[], isHome: boolean, now: number): readonly Connection[] {
    const late = shaking.size < LIMITS.handshakes ? [] : lateOf(shaking, now)
    if (late.length > 0) return late
    const penalised = isHome ? undefined : groups.find((group) => isFullByPenalty(group, now))
    if (penalised !== undefined) return firstToGo(membersOf(penalised), 'strangers')
    if (!isHome && everybody.strangers.size >= LIMITS.places - LIMITS.forHomes)
      return firstToGo(heaviest(byGroup, 'strangers') ?? everybody, 'strangers')
    if (connections.size < LIMITS.places) return []
    return firstToGo(heaviest(byGroup, 'everybody') ?? everybody, 'everybody')
  }

  function isFullByPenalty(group: Group, now: number): boolean {
    const count = byGroup.get(group.key)?.strangers.size ?? 0
    return count >= LIMITS.unfinishedPlaces * group.factor && unfinished.isPenalised(group, now)
  }

  return {
    opened: (id, address, isKnown, now) => {
      const groups = groupsOf(address)
      const [own] = groups
      const ofHome = own === undefined ? 0 : (byGroup.get(own.key)?.homes.size ?? 0)
      const isHome = isKnown && ofHome < LIMITS.forHomesOfOneSource
      const victims = victimsFor(groups, isHome, now)
      for (const victim of victims) end(victim, now, 'dropped')
      begin({ id, groups, openedAt: now, isHome, phase: 'shaking', hasAsked: false })
      return victims.map((victim) => victim.id)
    },
    shaken: (id) => {
      const connection = connections.get(id)
      if (connection?.phase !== 'shaking') return
      connection.phase = 'silent'
      shaking.delete(connection)
    },
    asked: (id) => {
      const connection = connections.get(id)
      if (connection === undefined) return
      connection.phase = 'asking'
      connection.hasAsked = true
      shaking.delete(connection)
    },
    answered: (id) => {
      const connection = connections.get(id)
      if (connection?.phase === 'asking') connection.phase = 'idle'
    },
    left: (id, now) => {
      const connection = connections.get(id)
      if (connection !== undefined) end(connection, now, 'by itself')
    },
    count: () => connections.size,
  }
}

/** Handshakes that take long, of those in the order in which they began. */
function lateOf(shaking: ReadonlySet<Connection>, now: number): readonly Connection[] {
  const late: Connection[] = []
  for (const connection of shaking) {
    if (now - connection.openedAt < LIMITS.handshakeMs) break
    late.push(connection)
  }
  return late
}

/**
 * The source that has most, measured by what a source of its size may have; null: nobody has more than one. The house is
 * asked for each connection of a crowd, so this is one loop over some hundred sources.
 */
function heaviest(byGroup: ReadonlyMap<string, Members>, whom: Whom): Members | null {
  let most: Members | null = null
  let weight = 1
  for (const members of byGroup.values()) {
    const { strangers, homes, factor } = members
    const own = (strangers.size + (whom === 'everybody' ? homes.size : 0)) / factor
    if (own <= weight) continue
    weight = own
    most = members
  }
  return most
}

function firstToGo({ strangers, homes }: Members, whom: Whom): readonly Connection[] {
  let goes: Connection | null = null
  for (const connection of whom === 'strangers' ? strangers : [...strangers, ...homes]) {
    if (goes !== null && GOES[connection.phase] >= GOES[goes.phase]) continue
    goes = connection
    if (GOES[goes.phase] === 0) break
  }
  return goes === null ? [] : [goes]
}
