import {
  MOST_PUBLISHED_PORTS,
  portCount,
  type Publication,
  type PublishedRange,
  type Withheld,
} from '../../protocol/publications.ts'

/** Reserved ports where no other ssh was seen. */
export const ONLY_22: ReadonlySet<number> = new Set([22])

/** One port of the hub and where it is forwarded to. */
export interface ForwardedPort {
  readonly protocol: Publication['protocol']
  readonly port: number
  /** Address of the service, through the tunnel. */
  readonly address: string
  readonly targetPort: number
  /** The service sees the hub instead of the visitor. */
  readonly hidden: boolean
}

export interface ForwardedPorts {
  /** Forwarded ports one by one, as the firewall knows them. */
  readonly ports: readonly ForwardedPort[]
  /** Ports that publications of the store do not get; without those that are forwarded as a whole. */
  readonly withheld: ReadonlyMap<Publication, readonly Withheld[]>
}

/**
 * The published ports that are forwarded into the tunnel. Pure. A store may hold more than is accepted today: ports at
 * which ssh was seen since, and more than a hub forwards. Then the small publications come first, so that one large
 * range keeps nobody's single ports away, among equals the older one; and of the last one that fits its lower ports.
 */
export function forwardedPorts(
  publications: readonly Publication[],
  sshPorts: ReadonlySet<number> = ONLY_22,
): ForwardedPorts {
  const ports: ForwardedPort[] = []
  const withheld = new Map<Publication, readonly Withheld[]>()
  for (const publication of inOrder(publications)) {
    const ssh: number[] = []
    const tooMany: number[] = []
    for (const one of publishedPorts([publication]))
      if (one.protocol === 'tcp' && sshPorts.has(one.port)) ssh.push(one.port)
      else if (ports.length >= MOST_PUBLISHED_PORTS) tooMany.push(one.port)
      else ports.push(one)
    const kept = [
      ...rangesOf(publication, ssh).map((range) => ({ ...range, code: 'port-taken' as const, why: FOR_SSH })),
      ...rangesOf(publication, tooMany).map((range) => ({
        ...range,
        code: 'publications-full' as const,
        why: TOO_MANY,
      })),
    ]
    if (kept.length > 0) withheld.set(publication, kept)
  }
  return { ports, withheld }
}

/** Published ports one by one, as the firewall knows them. */
export function publishedPorts(publications: readonly Publication[]): readonly ForwardedPort[] {
  return publications.flatMap(({ protocol, port, lastPort, address, targetPort, source }) =>
    Array.from({ length: lastPort - port + 1 }, (_, index) => ({
      protocol,
      port: port + index,
      address,
      targetPort: targetPort + index,
      hidden: source === 'hide',
    })),
  )
}

/** The first port of a publication that is forwarded; null: all of it is withheld. */
export function firstForwarded({ port, lastPort }: Publication, withheld: readonly Withheld[]): number | null {
  let first = port
  for (const range of withheld.toSorted((a, b) => a.port - b.port)) if (range.port === first) first = range.lastPort + 1
  return first > lastPort ? null : first
}

const FOR_SSH = 'it is kept for ssh on the hub'
const TOO_MANY = `a hub forwards ${MOST_PUBLISHED_PORTS} ports at most`

function inOrder(publications: readonly Publication[]): readonly Publication[] {
  if (portCount(publications) <= MOST_PUBLISHED_PORTS) return publications
  return publications.toSorted(
    (a, b) => portCount([a]) - portCount([b]) || Date.parse(a.addedAt) - Date.parse(b.addedAt),
  )
}

/** @param ports in order. */
function rangesOf({ protocol }: Publication, ports: readonly number[]): readonly PublishedRange[] {
  const ranges: { readonly protocol: Publication['protocol']; readonly port: number; lastPort: number }[] = []
  for (const port of ports) {
    const last = ranges.at(-1)
    if (last?.lastPort === port - 1) last.lastPort = port
    else ranges.push({ protocol, port, lastPort: port })
  }
  return ranges
}
