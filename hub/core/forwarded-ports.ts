import {
  entryCount,
  keepsNumbers,
  MOST_PUBLISHED_ENTRIES,
  parseRange,
  type Publication,
  type Withheld,
} from '../../protocol/publications.ts'

/** Reserved ports where no other ssh was seen. */
export const ONLY_22: ReadonlySet<number> = new Set([22])

/** Ports of the hub's machine that publications leave to its own programs. */
export interface KeptPorts {
  /** TCP ports of ssh. */
  readonly ssh: ReadonlySet<number>
  /** Ports at which other programs listen, as `443/tcp`. */
  readonly listeners: ReadonlySet<string>
}

export const NONE_BUT_22: KeptPorts = { ssh: ONLY_22, listeners: new Set() }

/** One entry of the firewall: a port of the hub, or a range that keeps its numbers, and where it is forwarded to. */
export interface ForwardedPort {
  readonly protocol: Publication['protocol']
  readonly port: number
  /** The last port of a range. Missing: a single port. */
  readonly lastPort?: number
  /** Address of the service, through the tunnel. */
  readonly address: string
  readonly targetPort: number
  /** The service sees the hub instead of the visitor. */
  readonly hidden: boolean
  /** What the service itself sends leaves by the hub. */
  readonly outgoing?: true
}

export interface ForwardedPorts {
  /** Forwarded ports and ranges, as the firewall knows them. */
  readonly ports: readonly ForwardedPort[]
  /** Ports that publications of the store do not get; without those that are forwarded as a whole. */
  readonly withheld: ReadonlyMap<Publication, readonly Withheld[]>
}

/**
 * The published ports that are forwarded into the tunnel. Pure. A store may hold more than is accepted today: ports at
 * which ssh or another program of the hub's machine was seen since, and more than a hub forwards. Then publications of
 * few entries come first, so that one large range keeps nobody's single ports away, among equals the older one; and of
 * the last one that fits its lower ports.
 */
export function forwardedPorts(publications: readonly Publication[], kept: KeptPorts = NONE_BUT_22): ForwardedPorts {
  const ports: ForwardedPort[] = []
  const withheld = new Map<Publication, readonly Withheld[]>()
  for (const publication of inOrder(publications)) {
    const { protocol } = publication
    const why = keptIn(publication, kept)
    const left = [...why.keys()].sort((a, b) => a - b)
    const entries = entriesOf(publication, left)
    const room = MOST_PUBLISHED_ENTRIES - ports.length
    ports.push(...entries.slice(0, room))
    const tooMany = entries.slice(room).map((one) => ({ port: one.port, lastPort: one.lastPort ?? one.port }))
    const taken = [FOR_SSH, FOR_A_LISTENER].flatMap((reason) =>
      joined(left.filter((one) => why.get(one) === reason).map((one) => ({ port: one, lastPort: one }))).map(
        (range) => ({ protocol, ...range, code: 'port-taken' as const, why: reason }),
      ),
    )
    const all = [
      ...taken.sort((a, b) => a.port - b.port),
      ...joined(tooMany).map((range) => ({ protocol, ...range, code: 'publications-full' as const, why: TOO_MANY })),
    ]
    if (all.length > 0) withheld.set(publication, all)
  }
  return { ports, withheld }
}

/** A publication as the firewall knows it. @param without ports that are left out, in order. */
export function entriesOf(publication: Publication, without: readonly number[] = []): readonly ForwardedPort[] {
  const { protocol, address, targetPort, source, outgoing } = publication
  const led = { protocol, address, hidden: source === 'hide', ...(outgoing === true ? { outgoing } : {}) }
  return rangesWithout(publication, without).flatMap(({ port, lastPort }) => {
    const first = targetPort + port - publication.port
    if (keepsNumbers(publication) && lastPort > port) return [{ ...led, port, lastPort, targetPort: first }]
    return Array.from({ length: lastPort - port + 1 }, (_, index) => ({
      ...led,
      port: port + index,
      targetPort: first + index,
    }))
  })
}

/** The first port of a publication that is forwarded; null: all of it is withheld. */
export function firstForwarded({ port, lastPort }: Publication, withheld: readonly Withheld[]): number | null {
  let first = port
  for (const range of withheld.toSorted((a, b) => a.port - b.port)) if (range.port === first) first = range.lastPort + 1
  return first > lastPort ? null : first
}

const FOR_SSH = 'it is kept for ssh on the hub'
const FOR_A_LISTENER = 'a program of the hub listens there since'
const TOO_MANY = `a hub forwards ${MOST_PUBLISHED_ENTRIES} single ports at most`

/** Ports of a publication that programs of the machine keep, each with the reason. */
function keptIn(range: Publication, { ssh, listeners }: KeptPorts): ReadonlyMap<number, string> {
  const of = (port: number): boolean => port >= range.port && port <= range.lastPort
  const others = [...listeners].flatMap((text) => {
    const one = parseRange(text)
    return one?.protocol === range.protocol && of(one.port) ? [one.port] : []
  })
  return new Map([
    ...others.map((port) => [port, FOR_A_LISTENER] as const),
    ...[...(range.protocol === 'tcp' ? ssh : [])].filter(of).map((port) => [port, FOR_SSH] as const),
  ])
}

function inOrder(publications: readonly Publication[]): readonly Publication[] {
  if (entryCount(publications) <= MOST_PUBLISHED_ENTRIES) return publications
  return publications.toSorted(
    (a, b) => entryCount([a]) - entryCount([b]) || Date.parse(a.addedAt) - Date.parse(b.addedAt),
  )
}

interface Ports {
  readonly port: number
  readonly lastPort: number
}

/** @param without in order. */
function rangesWithout({ port, lastPort }: Ports, without: readonly number[]): readonly Ports[] {
  const starts = [port, ...without.map((one) => one + 1)]
  const ends = [...without.map((one) => one - 1), lastPort]
  return starts
    .map((first, index) => ({ port: first, lastPort: ends[index] ?? lastPort }))
    .filter((range) => range.port <= range.lastPort)
}

/** Joins ranges that touch. @param ranges in order. */
function joined(ranges: readonly Ports[]): readonly Ports[] {
  const all: { readonly port: number; lastPort: number }[] = []
  for (const range of ranges) {
    const last = all.at(-1)
    if (last?.lastPort === range.port - 1) last.lastPort = range.lastPort
    else all.push({ ...range })
  }
  return all
}
