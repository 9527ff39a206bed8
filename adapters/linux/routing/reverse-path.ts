/**
 * The kernel's own filter of forged sources. Strict, it takes a visitor's address for forged, since the route back to
 * it is another (RFC 3704, 2.2). The larger of two values holds, all interfaces' and the interface's own (ip-sysctl,
 * rp_filter), so that 2 on the tunnel's own interface is enough, whatever others set for all.
 */
const STRICT = 1
export const LOOSE = 2

/** What `/proc/sys/net/ipv4/conf/NAME/rp_filter` holds, of all interfaces and of each tunnel. */
export interface ReversePathFilters {
  readonly all: string
  readonly own: ReadonlyMap<string, string>
}

/** The tunnels whose interfaces filter strictly. Pure. */
export function strictTunnels({ all, own }: ReversePathFilters): readonly string[] {
  const number = (text: string): number => Number(text) || 0
  return [...own].flatMap(([name, value]) => (Math.max(number(all), number(value)) === STRICT ? [name] : []))
}
