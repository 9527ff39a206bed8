import * as v from 'valibot'
import { parseDocument } from 'yaml'
import { InterfaceNameSchema } from '../../adapters/interface-name.ts'
import { prefixLength } from '../../net/prefix.ts'
import { Problem } from '../../problems/problem.ts'
import { CidrSchema, HostSchema, PortSchema } from '../../protocol/addresses.ts'
import { parseRange } from '../../protocol/publications.ts'
import { readYamlFile } from '../../system/files/yaml-file.ts'
import { DEFAULT_NETWORK } from '../core/tunnel-network.ts'
import { DEFAULT_MTU } from '../../wireguard/timers.ts'

/** A port of this machine, such as `53/udp`. */
const OpenSchema = v.pipe(
  v.string(),
  v.check((text) => openPort(text) !== null, 'expected a port such as 53/udp or 8080/tcp'),
  v.transform((text) => openPort(text) ?? { protocol: 'tcp' as const, port: 0 }),
)

/** The tunnel's network: room for the hub and five others at least; wider than /8 would swallow the internet. */
export const NetworkSchema = v.pipe(
  CidrSchema,
  v.check((prefix) => prefixLength(prefix) >= 8 && prefixLength(prefix) <= 29, 'expected a length of /8 to /29'),
)

export const HubConfigSchema = v.strictObject({
  addresses: v.pipe(v.array(HostSchema), v.minLength(1), v.maxLength(8)),
  port: v.optional(PortSchema, 51_820),
  network: v.optional(NetworkSchema, DEFAULT_NETWORK),
  alternatePorts: v.optional(v.pipe(v.array(PortSchema), v.maxLength(16)), [4500, 443, 53]),
  interface: v.optional(InterfaceNameSchema, 'hw0'),
  mtu: v.optional(v.pipe(v.number(), v.integer(), v.minValue(576), v.maxValue(9000)), DEFAULT_MTU),
  /** Ports of this machine that homes and devices reach through the tunnel. */
  open: v.optional(v.pipe(v.array(OpenSchema), v.maxLength(64)), []),
  /** Seconds between two checks of each published port; 0: none. */
  checkEverySeconds: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.check((seconds) => seconds === 0 || (seconds >= 30 && seconds <= 86_400), 'expected 0, or 30 to 86400'),
    ),
    300,
  ),
  /** Whether homes may break their own tunnels on purpose for some seconds (`homeward drill`). */
  drills: v.optional(v.boolean(), true),
  /** Port of loopback for Prometheus metrics; default: none. Taken when the daemon begins. */
  metricsPort: v.optional(PortSchema),
})

/** The settings in hub.yaml, checked and defaulted. */
export type HubConfig = v.InferOutput<typeof HubConfigSchema>

/** @throws {Problem} `hub-not-initialised` when there is no hub.yaml, `config-unreadable`, `config-invalid`. */
export async function readHubConfig(path: string): Promise<HubConfig> {
  try {
    return await readYamlFile(path, HubConfigSchema)
  } catch (thrown) {
    if (!isMissingFile(thrown)) throw thrown
    throw new Problem('hub-not-initialised', { what: `reading ${path}`, why: 'there is none', cause: thrown })
  }
}

/** The text of hub.yaml as `hub init` writes it, with the words a person needs to change it by hand. */
export function hubConfigText(config: HubConfig): string {
  return `# The hub's settings. homeward hub run notices a change within seconds; a faulty file is reported in its log
# and the last good one stays. Secrets are not here but in files beside this one.

# How homes and devices reach this machine from outside, best first: names or addresses. The first one goes into
# the configurations of devices, all of them into join tokens.
addresses: ${JSON.stringify(config.addresses)}

# UDP for WireGuard, TCP for the registrar: one number to open at the provider. Homes that have joined know it.
port: ${config.port}

# The tunnel's own network. The hub has its first address. With another one homes get new addresses and follow by
# themselves; each device needs a new file. homeward hub init --network CIDR says which before it changes anything.
network: ${JSON.stringify(config.network)}

# UDP ports that lead to WireGuard too, for networks that let little else out. One that another program of this
# machine uses is left to it.
alternatePorts: ${JSON.stringify(config.alternatePorts)}

# The WireGuard interface.
interface: ${JSON.stringify(config.interface)}

# Bytes. 1420 fits every path that carries 1500.
mtu: ${config.mtu}

# Ports of this machine's own programs that homes and devices reach through the tunnel, such as a resolver's. Without
# an entry they reach none but homeward's own, and ssh from the devices that were added here.
# open: [53/udp, 53/tcp]

# Seconds between two checks of each published port that works: the hub opens it, and tells people when it no longer
# answers. 30 or more; 0: it checks nothing by itself.
# checkEverySeconds: 300

# Whether a home may break its own tunnel on purpose for some seconds, to see that it heals: homeward drill.
# drills: true

# Prometheus metrics at /metrics on this port of loopback, for all homes. Taken when the daemon begins.
# metricsPort: 9187
`
}

/** The text of hub.yaml with another network, in the owner's order and comments. */
export function withNetwork(text: string, network: string): string {
  const document = parseDocument(text)
  document.set('network', network)
  return document.toString({ lineWidth: 0 })
}

/** The text of hub.yaml with one more address at the end, in the owner's order and comments. */
export function withAddress(text: string, address: string): string {
  const document = parseDocument(text)
  document.addIn(['addresses'], address)
  return document.toString({ lineWidth: 0 })
}

function isMissingFile(thrown: unknown): boolean {
  return thrown instanceof Problem && (thrown.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}

function openPort(text: string): { readonly protocol: 'tcp' | 'udp'; readonly port: number } | null {
  const range = parseRange(text)
  return range === null || range.port !== range.lastPort ? null : { protocol: range.protocol, port: range.port }
}
