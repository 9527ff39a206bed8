import * as v from 'valibot'
import { isKeyText, type PresharedKey, type PublicKey } from '../wireguard/keys.ts'
import { CidrSchema, HostSchema, Ipv4Schema, LiteralSchema, PortSchema } from './addresses.ts'
import { IncidentAnswer, IncidentReport } from './incidents.ts'
import { FingerprintSchema } from './fingerprint.ts'
import { MachineSchema } from './machine.ts'
import { knownOnes } from './known-ones.ts'
import { NameSchema } from './names.ts'
import { RunningVersionSchema } from './neighbours.ts'
import { SuccessionsSchema } from './succession.ts'
import { KeepsSchema, NamedTargetSchema, OutgoingListSchema, PublishedStandings } from './publications.ts'

/**
 * What agent and hub say to each other over the registrar. Requests and answers are JSON over HTTPS; unknown fields
 * are ignored, so that a newer end can say more. docs/protocol.md has the whole table.
 */

/** Raised when an older end would misunderstand a newer one. */
export const PROTOCOL_VERSION = 1

export const PublicKeySchema = v.pipe(
  v.string(),
  v.check(isKeyText, 'expected a WireGuard key'),
  v.transform((text) => text as PublicKey),
)
const PresharedKeySchema = v.pipe(
  v.string(),
  v.check(isKeyText, 'expected a WireGuard key'),
  v.transform((text) => text as PresharedKey),
)

/** 32 random bytes in base64url: join secrets and homes' secrets. */
export const SecretSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, 'expected 43 base64url characters'))

/** An MTU in bytes. Every IPv4 destination must be able to receive 576 bytes (RFC 791, 3.2). */
export const MtuSchema = v.pipe(v.number(), v.integer(), v.minValue(576), v.maxValue(9000))

/** Any number of prefixes, since the hub says better than a schema that there are too many (protocol/lan-size.ts). */
const LanSchema = v.array(CidrSchema)
const EndpointSchema = v.object({ address: LiteralSchema, port: PortSchema })
const ShortSchema = v.pipe(v.string(), v.maxLength(40))
const MomentSchema = ShortSchema

/** POST /v1/join. The join secret is the right to become one home, once. */
export const JoinRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  joinSecret: SecretSchema,
  publicKey: PublicKeySchema,
  /** The home's secret, made at home; the hub keeps a hash. Authenticates everything after the join. */
  homeSecret: SecretSchema,
  /** The home's LANs; empty: those of the invitation. */
  lan: LanSchema,
  /** Whether the hub only answers what a join would get, and changes nothing. */
  preview: v.boolean(),
})

export const JoinAnswer = v.object({
  home: NameSchema,
  /** The home's address inside the tunnel. */
  address: Ipv4Schema,
  network: CidrSchema,
  hubAddress: Ipv4Schema,
  heartbeatPort: PortSchema,
  hubPublicKey: PublicKeySchema,
  /** The UDP port as dialled from outside: WireGuard's own, before the alternate ones. */
  port: PortSchema,
  alternatePorts: v.array(PortSchema),
  lan: LanSchema,
  mtu: MtuSchema,
})

/** POST /v1/register, `Authorization: Bearer HOME.SECRET`. Idempotent and cheap. */
export const RegisterRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  publicKey: PublicKeySchema,
  /** The key that the home takes as soon as the hub answers that it has it. */
  nextPublicKey: v.optional(PublicKeySchema),
  /** SHA-256 of the secret by which the home comes from its next registration on; the one it has counts until then. */
  nextSecretHash: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'))),
  lan: LanSchema,
  listenPort: v.nullable(PortSchema),
  /** Why the home registers now, for the hub's log. A newer home's may be `other`. */
  reason: v.fallback(
    v.picklist([
      'start',
      'periodic',
      'mapping-changed',
      'doubt',
      'configuration',
      'remedy',
      'carrier',
      'mtu',
      'key-rotation',
      'incident',
      'asked',
      'other',
    ]),
    'other',
  ),
  /** Whether the hub takes our peer out and puts it in again, to forget a handshake's timestamp from the future. */
  reset: v.optional(v.boolean(), false),
  /** Bytes that the home's line bears, when that is less than the hub's own MTU; null: the hub's own. */
  mtu: v.optional(v.nullable(MtuSchema), null),
  /** The mapping that the home last heard in a heartbeat answer. */
  lastMapping: v.nullable(EndpointSchema),
  /** Seconds between two heartbeats of an idle tunnel: how long a silence says nothing. */
  heartbeatSeconds: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(60)), 5),
  /** Where services of the home see visitors' own addresses. Default, for older homes that do not say: nowhere. */
  keeps: v.optional(KeepsSchema),
  /** Whether other hosts can see them too, where their answers come back to the home's machine: measured by the hub. */
  triesKeep: v.optional(v.boolean(), false),
  /** Whether visitors with their own addresses are answered through the tunnel now. */
  visitors: v.optional(v.boolean(), false),
  /** Whether devices may go to the internet through this home. */
  exit: v.optional(v.boolean(), false),
  /** Whether the home takes another place in the tunnel's network from the answer. */
  follows: v.optional(v.boolean(), false),
  /** What is led to the internet by the hub now; null: that cannot be done here. Default: a home that knows none of it. */
  outgoing: v.optional(v.nullable(OutgoingListSchema)),
  /**
   * The newest certificate of the hub that the home would take: the one that it pins, or the next that it was told of.
   * Older homes do not say, and cannot follow the hub to another one.
   */
  trusts: v.optional(FingerprintSchema),
  /** Which homeward the home runs; older homes do not say. */
  runs: v.optional(RunningVersionSchema),
  /** Which machine this is; older homes do not say, and nothing is concluded of them. */
  machine: v.optional(MachineSchema),
  /** The home's outages, and whether it may be the one to tell people of them. */
  incidents: v.optional(IncidentReport),
})

/** What the hub sees of a home at this moment. */
export const HubView = v.object({
  peerKnown: v.boolean(),
  endpoint: v.nullable(EndpointSchema),
  /** Seconds since the last handshake, by the hub's own clock; null before the first. */
  lastHandshakeSeconds: v.nullable(v.number()),
  rxBytes: v.number(),
  txBytes: v.number(),
  /** Seconds since the last heartbeat; null: never. */
  lastHeartbeatSeconds: v.nullable(v.number()),
  /** The same as in PeerView (protocol/datagrams/echo.ts); older hubs do not say. */
  heardSeconds: v.optional(v.nullable(v.number()), null),
  initiatedSeconds: v.optional(v.nullable(v.number()), null),
})

export const RegisterAnswer = v.object({
  view: HubView,
  /** The key by which the hub knows the home from now on. */
  publicKey: v.optional(PublicKeySchema),
  /** Whether the hub awaits the home with `nextSecretHash`; older hubs never do. */
  secretAwaited: v.optional(v.boolean(), false),
  alternatePorts: v.array(PortSchema),
  /** Networks of the home's LAN that are not led to it until the hub's owner allows them; older hubs know no such thing. */
  waiting: v.optional(LanSchema, []),
  /** Whether visitors come with their own addresses, and must be answered through the tunnel; older hubs send none. */
  visitors: v.optional(v.boolean(), false),
  /** The home's published services that were given by host names; older hubs do not know any. */
  named: v.optional(knownOnes(NamedTargetSchema, 65_535)),
  /** What the hub's own checks know of the home's publications; older hubs do not check by themselves. */
  published: v.optional(PublishedStandings),
  /** What shall leave by the hub; older hubs want none of it. */
  outgoing: v.optional(OutgoingListSchema),
  /** Whether another machine registers as this home too; older hubs do not notice. */
  shared: v.optional(v.boolean(), false),
  /** The certificate that the hub has now; older hubs never have another one than they showed. */
  certificate: v.optional(FingerprintSchema),
  /** What leads from the certificate that the home trusts to the newest, where that is another one. */
  identity: v.optional(
    v.object({
      successions: SuccessionsSchema,
      /** The hub's WireGuard keys to which successions lead: the present one, and the one that is next. */
      publicKeys: v.pipe(v.array(PublicKeySchema), v.maxLength(4)),
    }),
  ),
  /** Channels for alerts that the hub's owner gives all homes; older hubs give none. What a channel is, alerts/ knows. */
  channels: v.optional(
    v.pipe(
      v.array(v.object({ name: v.pipe(v.string(), v.maxLength(32)), settings: v.record(v.string(), v.unknown()) })),
      v.maxLength(20),
    ),
  ),
  hubTime: MomentSchema,
  /** Where the hub is reached, or will be, names or literals, best first; older hubs do not say. */
  addresses: v.optional(v.pipe(v.array(HostSchema), v.maxLength(8))),
  /** Which homeward the hub runs; older hubs do not say. */
  runs: v.optional(RunningVersionSchema),
  /** The home's place in the tunnel, which may be another than at its join; older hubs do not say. */
  place: v.optional(v.object({ address: Ipv4Schema, network: CidrSchema, hubAddress: Ipv4Schema })),
  /** The hub's incidents, only where the home reported its own; older hubs do not send any. */
  incidents: v.optional(IncidentAnswer),
})

/** Ports of a host at a home. */
export const ReachedServiceSchema = v.pipe(
  v.object({
    address: Ipv4Schema,
    protocol: v.picklist(['tcp', 'udp']),
    port: PortSchema,
    lastPort: PortSchema,
  }),
  v.check(({ port, lastPort }) => port <= lastPort, 'the last port comes before the first'),
)

/** How many services a device can be kept to: each is a rule of the hub's firewall, and mostly a route of the device. */
const MOST_SERVICES = 32

/** POST /v1/devices. The device's keys are made where the command runs; the hub also needs the preshared key. */
export const AddDeviceRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  name: NameSchema,
  publicKey: PublicKeySchema,
  presharedKey: PresharedKeySchema,
  /** The homes that the device may reach; null: the home whose device it is, or all where the hub's owner adds it. */
  homes: v.optional(v.nullable(v.pipe(v.array(NameSchema), v.minLength(1), v.maxLength(1_000))), null),
  /** When the device expires; null: never. */
  expiresInMs: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1e12))), null),
  /** Whether the device may reach the internet through the hub. */
  full: v.optional(v.boolean(), false),
  /** The home through which the device reaches the internet; null: none. */
  exit: v.optional(v.nullable(NameSchema), null),
  /** All that the device may reach; null: the LANs of its homes. */
  to: v.optional(v.nullable(v.pipe(v.array(ReachedServiceSchema), v.minLength(1), v.maxLength(MOST_SERVICES))), null),
})

export const AddDeviceAnswer = v.object({
  name: NameSchema,
  address: Ipv4Schema,
  mtu: v.number(),
  endpoint: v.object({ address: HostSchema, port: PortSchema }),
  hubPublicKey: PublicKeySchema,
  /** The tunnel network and the LANs that the device may reach, or the hosts alone. */
  allowedIps: v.array(CidrSchema),
  keepaliveSeconds: v.number(),
  /** How many services the device is kept to; a hub that says none knows no such limit, and lets it into whole LANs. */
  services: v.optional(v.number(), 0),
})

/** POST /v1/devices/NAME/key. Another key for a device that the home added: what it may stays as it is. */
export const RotateDeviceRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  publicKey: PublicKeySchema,
  presharedKey: PresharedKeySchema,
  /** Whether the hub only answers what the new file must say, and changes nothing. */
  preview: v.boolean(),
})

export const RotateDeviceAnswer = v.object({
  ...AddDeviceAnswer.entries,
  /** Whether the device sends everything into the tunnel. */
  everything: v.boolean(),
})

/** What the file of a device must say. */
const DeviceFileSchema = v.object({
  address: Ipv4Schema,
  allowedIps: v.array(v.string()),
  /** The hub's WireGuard key, where the file has another; null: it has this one, or the hub does not know. */
  hubPublicKey: v.optional(v.nullable(PublicKeySchema), null),
})

/** GET /v1/devices. A home sees the devices that it added and those of the hub. */
export const DeviceList = v.object({
  devices: v.array(
    v.object({
      name: NameSchema,
      address: Ipv4Schema,
      publicKey: PublicKeySchema,
      /** The home that added the device; null when the hub did. */
      home: v.nullable(NameSchema),
      addedAt: MomentSchema,
      lastHandshakeSeconds: v.nullable(v.number()),
      rxBytes: v.optional(v.number(), 0),
      txBytes: v.optional(v.number(), 0),
      /** The homes that the device may reach; null: all. */
      homes: v.optional(v.nullable(v.array(NameSchema)), null),
      /** When the device expires; null: never. */
      expiresAt: v.optional(v.nullable(MomentSchema), null),
      /** Whether that is over, by the hub's clock: nothing is led to the device. An older hub lists no such device. */
      expired: v.optional(v.boolean(), false),
      full: v.optional(v.boolean(), false),
      exit: v.optional(v.nullable(NameSchema), null),
      /** All that the device may reach; null: the LANs of its homes. */
      to: v.optional(v.nullable(v.array(ReachedServiceSchema)), null),
      /** What the file must say now, where it is too old; null: the file is good, or the hub does not know. */
      needs: v.optional(v.nullable(DeviceFileSchema), null),
    }),
  ),
})

/** POST /v1/alerts/test. The hub sends a test by its own channels. */
export const AlertTestRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  /** The name of the channel at the hub; null: all channels. */
  channel: v.nullable(v.pipe(v.string(), v.maxLength(32))),
})

export const AlertTestAnswer = v.object({
  channels: v.array(v.object({ name: ShortSchema, kind: ShortSchema, problem: v.nullable(v.string()) })),
})

/** POST /v1/leave. Afterwards the home's key and secret are worth nothing. */
export const LeaveRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  /** Whether a join that could not prove its tunnel gives the invitation back: the same token then works again. */
  reopenInvite: v.boolean(),
})

/** Every answer that is not 2xx. */
export const ErrorAnswer = v.object({
  /** `next` is for homes of 0.1.0; newer ones take the next step from their own catalogue, by the code. */
  error: v.object({ code: v.string(), why: v.string(), next: v.optional(v.string(), '') }),
})

export const Done = v.object({ done: v.literal(true) })

export type JoinRequest = v.InferOutput<typeof JoinRequest>
export type JoinAnswer = v.InferOutput<typeof JoinAnswer>
export type RegisterRequest = v.InferOutput<typeof RegisterRequest>
export type RegisterAnswer = v.InferOutput<typeof RegisterAnswer>
export type HubView = v.InferOutput<typeof HubView>
export type AddDeviceRequest = v.InferOutput<typeof AddDeviceRequest>
export type AddDeviceAnswer = v.InferOutput<typeof AddDeviceAnswer>
export type RotateDeviceRequest = v.InferOutput<typeof RotateDeviceRequest>
export type RotateDeviceAnswer = v.InferOutput<typeof RotateDeviceAnswer>
export type DeviceList = v.InferOutput<typeof DeviceList>
export type AlertTestRequest = v.InferOutput<typeof AlertTestRequest>
export type AlertTestAnswer = v.InferOutput<typeof AlertTestAnswer>
export type LeaveRequest = v.InferOutput<typeof LeaveRequest>
export type ErrorAnswer = v.InferOutput<typeof ErrorAnswer>
