import type { Home } from '../places/home.ts'
import type { Host } from '../host/host.ts'
import { isIpv6 } from '../places/ipv6.ts'

/** A UDP flow as its own host sees it. */
export interface LocalFlow {
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
}

/** The same flow on the carrier's home side, where 5-tuples are dropped. */
export interface CarrierFlow {
  readonly sourceAddress: string
  readonly sourcePort: number
  readonly remoteAddress: string
  readonly remotePort: number
}

/** The UDP flow of a WireGuard interface of a host to its one peer; without a name, of the host's one interface. */
export async function tunnelFlow(host: Host, device?: string): Promise<LocalFlow> {
  const ofDevice = (line: string) => device === undefined || line.startsWith(`${device}\t`)
  const show = async (what: string) =>
    (await host.run('wg', ['show', 'all', what])).stdout.trim().split('\n').filter(ofDevice)
  const [ports, endpoints] = [await show('listen-port'), await show('endpoints')]
  const localPort = ports[0]?.split('\t')[1]
  const [, remoteAddress, remotePort] = /\t\[?([\d.]+|[\da-f:]+)\]?:(\d+)$/.exec(endpoints[0] ?? '') ?? []
  if (ports.length !== 1 || endpoints.length !== 1 || localPort === undefined || remoteAddress === undefined)
    throw new Error(
      `${host.name} has not exactly one ${device ?? 'WireGuard interface'} with one endpoint: ${endpoints.join()}`,
    )
  return { localPort: Number(localPort), remoteAddress, remotePort: Number(remotePort) }
}

/** Where that flow of the Pi (or of the router itself) passes the carrier, read from the home router's table. */
export async function atCarrier(home: Home, from: Host, flow: LocalFlow): Promise<CarrierFlow> {
  const { remoteAddress, remotePort } = flow
  if (from === home.router && home.routerSystem === null)
    return { sourceAddress: home.customer.wanAddress, sourcePort: flow.localPort, remoteAddress, remotePort }
  if (isIpv6(remoteAddress)) {
    // Nothing translates IPv6.
    if (home.lan.piIpv6 === null) throw new Error(`the home of ${home.router.name} has no IPv6`)
    return { sourceAddress: home.lan.piIpv6, sourcePort: flow.localPort, remoteAddress, remotePort }
  }
  // A router that is no plain Linux one translates its own packets too.
  const source = from === home.router ? home.lan.router : home.lan.pi
  const tuple = `--orig-src ${source} --orig-dst ${remoteAddress} --sport ${flow.localPort} --dport ${remotePort}`
  const { stdout } = await home.router.run('conntrack', ['-L', '-p', 'udp', ...tuple.split(' ')])
  // udp 17 29 src=192.168.1.2 dst=… sport=… dport=… [UNREPLIED] src=<hub> dst=<wan> sport=<hub's> dport=<ours, outside>
  const reply = /src=\S+ dst=\S+ sport=\d+ dport=\d+ .*?src=\S+ dst=(\S+) sport=\d+ dport=(\d+)/.exec(stdout)
  if (reply === null)
    throw new Error(`${home.router.name} knows no flow from port ${flow.localPort} to ${remoteAddress}:${remotePort}`)
  return { sourceAddress: reply[1] ?? '', sourcePort: Number(reply[2]), remoteAddress, remotePort }
}
