import { join } from 'node:path'
import * as v from 'valibot'
import { InterfaceNameSchema } from '../../adapters/interface-name.ts'
import { Problem } from '../../problems/problem.ts'
import { CidrSchema, HostSchema, Ipv4Schema, LiteralPlaceSchema, PortSchema } from '../../protocol/addresses.ts'
import { MOST_LAN_PREFIXES } from '../../protocol/lan-size.ts'
import { PublicKeySchema } from '../../protocol/messages.ts'
import { NameSchema } from '../../protocol/names.ts'
import { FingerprintSchema } from '../../protocol/fingerprint.ts'
import { isThere } from '../../system/files/is-there.ts'
import { type Begun, readOrLastGood } from '../../system/files/last-good.ts'
import { readYamlFile } from '../../system/files/yaml-file.ts'
import { PERSISTENT_KEEPALIVE_SECONDS } from '../../wireguard/timers.ts'

const seconds = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most))

/** Beacons outside the hub: two large resolvers, whose addresses everybody can reach, by both families. */
export const REACHABILITY_TARGETS: readonly string[] = [
  '1.1.1.1:443',
  '9.9.9.9:443',
  '[2606:4700:4700::1111]:443',
  '[2620:fe::fe]:443',
]

/** One hub and what it gave this home when it joined. */
const HubSchema = v.strictObject({
  /** Names or literals at which the hub is reached from outside, best first. */
  addresses: v.pipe(v.array(HostSchema), v.minLength(1), v.maxLength(8)),
  /** UDP for WireGuard, TCP for the registrar. */
  port: PortSchema,
  alternatePorts: v.optional(v.array(PortSchema), []),
  publicKey: PublicKeySchema,
  certificate: FingerprintSchema,
  /** The tunnel's network, and in it the home's address and the hub's. */
  network: CidrSchema,
  address: Ipv4Schema,
  hubAddress: Ipv4Schema,
  heartbeatPort: PortSchema,
})

/** The machine that the tunnel ends on: this one, or a router that is configured over its API or by SSH. */
const RouterSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('linux') }),
  v.strictObject({
    kind: v.literal('mikrotik'),
    host: HostSchema,
    port: PortSchema,
    user: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
    /** SHA-256 of the router's certificate; null: without encryption, as the owner wanted it. */
    certificate: v.nullable(FingerprintSchema),
  }),
  v.strictObject({
    kind: v.literal('openwrt'),
    host: HostSchema,
    port: PortSchema,
    user: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
    /** The only host key that is trusted. */
    hostKey: v.strictObject({
      type: v.picklist(['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa']),
      sha256: v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}$/, 'expected a SHA-256 in base64, without padding')),
    }),
  }),
])

export const LanModeSchema = v.picklist(['masquerade', 'routed'])

const LanSchema = v.strictObject({
  mode: v.optional(LanModeSchema, 'masquerade'),
  /** Whether the LAN is the network that this machine, or the router, is in, whatever that is. */
  auto: v.optional(v.literal(true)),
  prefixes: v.optional(v.pipe(v.array(CidrSchema), v.maxLength(MOST_LAN_PREFIXES)), []),
  /** Devices that the hub names may go to the internet through this home. */
  exit: v.optional(v.boolean()),
  /** Prefixes that the hub knows as others of the same length. */
  seenAs: v.optional(
    v.pipe(
      v.record(CidrSchema, CidrSchema),
      v.check(
        (seenAs) => Object.entries(seenAs).every(([own, seen]) => own.split('/')[1] === seen.split('/')[1]),
        'expected prefixes of the same length, such as 192.168.1.0/24: 10.168.1.0/24',
      ),
    ),
  ),
})

const FieldsSchema = v.strictObject({
  home: NameSchema,
  /** The public half of private.key: computing it would cost an agent the curve's 13 MB. */
  publicKey: PublicKeySchema,
  router: v.optional(RouterSchema, { kind: 'linux' }),
  interface: v.optional(InterfaceNameSchema, 'hw0'),
  mtu: v.pipe(v.number(), v.integer(), v.minValue(576), v.maxValue(9000)),
  /** The safety net for when the agent is dead. wg(8) takes up to 65535; 0 would leave no net. */
  keepaliveSeconds: v.optional(seconds(1, 65_535), PERSISTENT_KEEPALIVE_SECONDS),
  heartbeatSeconds: v.optional(seconds(1, 60), 5),
  /** Fewer bytes, slower to notice: 25 s between heartbeats of an idle tunnel, 5 s of one in use. */
  economy: v.optional(v.boolean(), false),
  /** Places that are asked, when the hub is silent, whether the line works. */
  beacons: v.optional(v.pipe(v.array(LiteralPlaceSchema), v.maxLength(8)), [...REACHABILITY_TARGETS]),
  /** Moments at which the tunnel gets a new key; a cron expression, checked by the scheduler. */
  rotateKeys: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(100))), null),
  /** Moments at which the agent breaks the tunnel on purpose, to see that it heals; a cron expression. Default: never. */
  drill: v.optional(v.pipe(v.string(), v.maxLength(100))),
  /** Port of loopback for Prometheus metrics; default: none. Taken when the agent begins. */
  metricsPort: v.optional(PortSchema),
  lan: v.pipe(
    v.unknown(),
    // `lan: auto` is all that most homes need of it.
    v.transform((lan) => (lan === 'auto' ? { auto: true } : lan)),
    LanSchema,
  ),
  /** Hubs, best first. This version keeps a tunnel to the first one. */
  hubs: v.pipe(v.array(HubSchema), v.minLength(1)),
})

export const AgentConfigSchema = v.pipe(
  FieldsSchema,
  v.forward(
    v.check(
      ({ router, rotateKeys }) => router.kind !== 'mikrotik' || rotateKeys === null,
      'expected null, since the router makes its own key and keeps it to itself',
    ),
    ['rotateKeys'],
  ),
)

export type AgentConfig = v.InferOutput<typeof AgentConfigSchema>
export type RouterConfig = AgentConfig['router']
export type HubConfig = v.InferOutput<typeof HubSchema>
/** One tunnel's part of agent.yaml. */
export type TunnelConfig = Omit<AgentConfig, 'hubs'> & { readonly hub: HubConfig }
export type LanMode = v.InferOutput<typeof LanModeSchema>

export function agentConfigPath(configDir: string): string {
  return join(configDir, 'agent.yaml')
}

/** What agent.yaml said when it was last read well. */
export function lastGoodConfigPath(stateDir: string): string {
  return join(stateDir, 'agent.last-good.yaml')
}

/** The name that leave gives agent.yaml first: the agent ends, and an interrupted leave knows how to go on. */
export function leavingConfigPath(configDir: string): string {
  return join(configDir, 'agent.yaml.leaving')
}

/**
 * Reads agent.yaml, checked and defaulted.
 * @throws {Problem} `config-missing` when this machine has not joined, `config-unreadable`, `config-invalid`.
 */
export async function readAgentConfig(configDir: string): Promise<AgentConfig> {
  const path = agentConfigPath(configDir)
  try {
    return await readAgentConfigFile(path)
  } catch (thrown) {
    if (!isMissingFile(thrown)) throw thrown
    const { why, next } = await whyNotJoined(configDir)
    throw new Problem('config-missing', { what: `reading ${path}`, why: `there is none: ${why}`, next, cause: thrown })
  }
}

/**
 * Reads agent.yaml to begin with: where it is no longer what it should be, what it said before counts.
 * @throws {Problem} as `readAgentConfig`.
 */
export async function beginWithConfig({
  configDir,
  stateDir,
}: {
  readonly configDir: string
  readonly stateDir: string
}): Promise<Begun<AgentConfig>> {
  const copy = lastGoodConfigPath(stateDir)
  return await readOrLastGood(agentConfigPath(configDir), copy, (path) =>
    path === copy ? readAgentConfigFile(copy) : readAgentConfig(configDir),
  )
}

/** Why a machine without agent.yaml has not joined a hub: something of ours may be on a router all the same. */
export async function whyNotJoined(configDir: string): Promise<{ readonly why: string; readonly next?: string }> {
  if (await isThere(leavingConfigPath(configDir)))
    return {
      why: 'this machine began to leave a hub, or to undo a join, and did not end that',
      next: 'Run homeward leave',
    }
  const logins = await Promise.all(ROUTER_LOGINS.map((name) => isThere(join(configDir, name))))
  if (!logins.includes(true)) return { why: 'this machine has not joined a hub' }
  return {
    why: 'a join with the tunnel on a router was cut off',
    next: 'Run the same homeward join again, or homeward leave to take away what it made there',
  }
}

/** Files of a login to a router, which a join keeps before it changes anything there. */
const ROUTER_LOGINS = ['router.password', 'router.key']

/** Reads another file of that format. @throws {Problem} `config-unreadable`, `config-invalid`. */
export async function readAgentConfigFile(path: string): Promise<AgentConfig> {
  const config = await readYamlFile(path, AgentConfigSchema)
  for (const key of ['rotateKeys', 'drill'] as const) {
    const expression = config[key] ?? null
    if (expression === null) continue
    const { whyNoSchedule } = await import('../../system/time/schedule.ts')
    const why = whyNoSchedule(expression)
    if (why !== null) return await readYamlFile(path, refusingMoments(key, why))
  }
  return config
}

/** The tunnels that this home shall have. This version keeps one, to the first hub. */
export function tunnelsOf({ hubs, ...home }: AgentConfig): readonly [TunnelConfig, ...(readonly TunnelConfig[])] {
  const [hub] = hubs
  if (hub === undefined) throw new TypeError('the schema lets no configuration without a hub through')
  return [{ ...home, hub }]
}

/** A schema that refuses moments with the words of the parser of cron expressions, loaded only for one. */
function refusingMoments(key: 'rotateKeys' | 'drill', why: string) {
  const expected = `expected a cron expression such as 0 4 1 * * (${why})`
  return v.pipe(
    AgentConfigSchema,
    v.forward(
      v.check(() => false, expected),
      [key],
    ),
  )
}

function isMissingFile(thrown: unknown): boolean {
  return thrown instanceof Problem && (thrown.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
