import * as v from 'valibot'
import { isKeyText, type PresharedKey, type PublicKey } from '../wireguard/keys.ts'
import { CidrSchema, HostSchema, Ipv4Schema, LiteralSchema, PortSchema } from './addresses.ts'
import { IncidentAnswer, IncidentReport } from './incidents.ts'
import { NameSchema } from './names.ts'
import { KeepsSchema } from './publications.ts'

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

/** Bytes. Below 576 no IPv4 host needs to take anything (RFC 791, 3.2). */
export const MtuSchema = v.pipe(v.number(), v.integer(), v.minValue(576), v.maxValue(9000))

const LanSchema = v.pipe(v.array(CidrSchema), v.maxLength(32))
const EndpointSchema = v.object({ address: LiteralSchema, port: PortSchema })
const ShortSchema = v.pipe(v.string(), v.maxLength(40))
const MomentSchema = ShortSchema

/** POST /v1/join. The join secret is the right to become one home, once. */
export const JoinRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  joinSecret: SecretSchema,
  publicKey: PublicKeySchema,
  /** Made at home; the hub keeps a hash. Authenticates everything after the join. */
  homeSecret: SecretSchema,
  /** Empty: take what the invitation says. */
  lan: LanSchema,
  /** Answers what a join would get, and changes nothing. */
  preview: v.boolean(),
})

export const JoinAnswer = v.object({
  home: NameSchema,
  /** Inside the tunnel. */
  address: Ipv4Schema,
  network: CidrSchema,
  hubAddress: Ipv4Schema,
  heartbeatPort: PortSchema,
  hubPublicKey: PublicKeySchema,
  /** UDP, as dialled from outside; the first is WireGuard's own. */
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
  lan: LanSchema,
  listenPort: v.nullable(PortSchema),
  /** Why now: for the hub's log. */
  reason: v.picklist([
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
  ]),
  /** Take our peer out and put it in again: forgets a handshake's timestamp from the future. */
  reset: v.optional(v.boolean(), false),
  /** Bytes. What the home's line bears, when that is less than the hub's own; null: the hub's own. */
  mtu: v.optional(v.nullable(MtuSchema), null),
  /** What the home last heard of itself in a heartbeat answer. */
  lastMapping: v.nullable(EndpointSchema),
  /** Between two heartbeats of an idle tunnel: how long a silence says nothing. */
  heartbeatSeconds: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(60)), 5),
  /** Where services of the home see visitors' own addresses; older homes do not say, and then nowhere. */
  keeps: v.optional(KeepsSchema),
  /** Whether visitors with their own addresses are answered through the tunnel now. */
  visitors: v.optional(v.boolean(), false),
  /** Devices may go to the internet through this home. */
  exit: v.optional(v.boolean(), false),
  /** The home's outages, and whether it may be the one to tell people of them. */
  incidents: v.optional(IncidentReport),
})

/** What the hub sees of a home right now. */
export const HubView = v.object({
  peerKnown: v.boolean(),
  endpoint: v.nullable(EndpointSchema),
  /** By the hub's own clock; null before the first handshake. */
  lastHandshakeSeconds: v.nullable(v.number()),
  rxBytes: v.number(),
  txBytes: v.number(),
  /** null: never. */
  lastHeartbeatSeconds: v.nullable(v.number()),
  /** As in HubWord (protocol/echo.ts); older hubs do not say. */
  heardSeconds: v.optional(v.nullable(v.number()), null),
  initiatedSeconds: v.optional(v.nullable(v.number()), null),
})

export const RegisterAnswer = v.object({
  view: HubView,
  /** By which the hub knows the home from now on. */
  publicKey: v.optional(PublicKeySchema),
  alternatePorts: v.array(PortSchema),
  /** Visitors come with their own addresses, and are to be answered through the tunnel; older hubs send none. */
  visitors: v.optional(v.boolean(), false),
  hubTime: MomentSchema,
  /** Only where the home reported its own; older hubs do not. */
  incidents: v.optional(IncidentAnswer),
})

/** POST /v1/devices. The device's keys are made where the command runs; the hub needs the preshared one to speak it. */
export const AddDeviceRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  name: NameSchema,
  publicKey: PublicKeySchema,
  presharedKey: PresharedKeySchema,
  /** The homes it may reach; null: that home whose device it is, or all of them where the hub's owner adds it. */
  homes: v.optional(v.nullable(v.pipe(v.array(NameSchema), v.minLength(1), v.maxLength(1_000))), null),
  /** null: it stays. */
  expiresInMs: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1e12))), null),
  /** It may reach the internet through the hub. */
  full: v.optional(v.boolean(), false),
  /** The home through which it reaches the internet; null: none. */
  exit: v.optional(v.nullable(NameSchema), null),
})

export const AddDeviceAnswer = v.object({
  name: NameSchema,
  address: Ipv4Schema,
  mtu: v.number(),
  endpoint: v.object({ address: HostSchema, port: PortSchema }),
  hubPublicKey: PublicKeySchema,
  /** The tunnel network and the LANs it may reach. */
  allowedIps: v.array(CidrSchema),
  keepaliveSeconds: v.number(),
})

/** GET /v1/devices. A home sees the devices that it added and those of the hub. */
export const DeviceList = v.object({
  devices: v.array(
    v.object({
      name: NameSchema,
      address: Ipv4Schema,
      publicKey: PublicKeySchema,
      /** The home that added it; null when it was the hub. */
      home: v.nullable(NameSchema),
      addedAt: MomentSchema,
      lastHandshakeSeconds: v.nullable(v.number()),
      rxBytes: v.optional(v.number(), 0),
      txBytes: v.optional(v.number(), 0),
      /** The homes it may reach; null: all. */
      homes: v.optional(v.nullable(v.array(NameSchema)), null),
      /** null: it stays. */
      expiresAt: v.optional(v.nullable(MomentSchema), null),
      full: v.optional(v.boolean(), false),
      exit: v.optional(v.nullable(NameSchema), null),
    }),
  ),
})

/** POST /v1/alerts/test. The hub sends a test by its own channels. */
export const AlertTestRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  /** The hub's name of it; null: all of them. */
  channel: v.nullable(v.pipe(v.string(), v.maxLength(32))),
})

export const AlertTestAnswer = v.object({
  channels: v.array(v.object({ name: ShortSchema, kind: ShortSchema, problem: v.nullable(v.string()) })),
})

/** POST /v1/leave. After it the home's key and secret are worth nothing. */
export const LeaveRequest = v.object({
  version: v.literal(PROTOCOL_VERSION),
  /** A join that could not prove its tunnel gives the invitation back, so that the same token works again. */
  reopenInvite: v.boolean(),
})

/** Every answer that is not 2xx. */
export const ErrorAnswer = v.object({
  /** `next` is for homes of 0.1.0; newer ones know what to do by the code. */
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
export type DeviceList = v.InferOutput<typeof DeviceList>
export type AlertTestRequest = v.InferOutput<typeof AlertTestRequest>
export type AlertTestAnswer = v.InferOutput<typeof AlertTestAnswer>
export type LeaveRequest = v.InferOutput<typeof LeaveRequest>
export type ErrorAnswer = v.InferOutput<typeof ErrorAnswer>
