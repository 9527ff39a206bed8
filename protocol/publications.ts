import * as v from 'valibot'
import { CidrSchema, HostSchema, Ipv4Schema, PortSchema } from './addresses.ts'
import { knownOnes } from './known-ones.ts'
import { NameSchema } from './names.ts'

/** Ports of the hub that are forwarded to services at homes, as agent and hub exchange them. */

const ProtocolSchema = v.picklist(['tcp', 'udp'])

/** `keep`: the service sees the visitor's address. `hide`: it sees the hub, or its own router. */
const SourceSchema = v.picklist(['keep', 'hide'])

const FieldsSchema = v.object({
  protocol: ProtocolSchema,
  /** The first and the last port on the hub. */
  port: PortSchema,
  lastPort: PortSchema,
  /** The address of the service: in the home's LAN, or the home's own address inside the tunnel. */
  address: Ipv4Schema,
  /** The port that the first port is forwarded to; the others follow in step. */
  targetPort: PortSchema,
})

/** POST /v1/publications. */
export const AddPublicationRequest = v.object({
  version: v.literal(1),
  ...FieldsSchema.entries,
  /** The name that the service was given by, where that was one: asked for again by it, the publication moves. */
  host: v.optional(HostSchema),
  /** Whether the service sees visitors' addresses; null: keep where that can work, else hide. */
  source: v.nullable(SourceSchema),
  /** Whether what the service itself sends leaves by the hub. Default, as older homes ask: as it is already. */
  outgoing: v.optional(v.boolean()),
})

/**
 * What a host sends to the internet by the hub: new connections to the published ports (mail), and those from the
 * service's own ports (game servers, which tell their directory where they are).
 */
const OutgoingSchema = v.object(FieldsSchema.entries)

/** How many such publications a home may have: each is a few rules of its firewall. */
export const MOST_OUTGOING = 32
export const OutgoingListSchema = v.pipe(v.array(OutgoingSchema), v.maxLength(MOST_OUTGOING))

export const PublicationSchema = v.strictObject({
  ...FieldsSchema.entries,
  source: SourceSchema,
  home: NameSchema,
  addedAt: v.pipe(v.string(), v.isoTimestamp()),
  /** The host name that leads to the service at home. Default: it was given by its address. */
  host: v.optional(HostSchema),
  /** What the service itself sends leaves by the hub. Default: it leaves by the home's own line. */
  outgoing: v.optional(v.literal(true)),
})

/** A service that was given by a host name: the home resolves it when the service is no longer where it was. */
export const NamedTargetSchema = v.object({
  ...FieldsSchema.entries,
  host: HostSchema,
  /** What to ask for when it moves; null: keep where that can work. */
  source: v.nullable(SourceSchema),
})

/** Ports of a publication that are not forwarded for now. */
const WithheldSchema = v.object({
  protocol: ProtocolSchema,
  port: PortSchema,
  lastPort: PortSchema,
  code: v.picklist(['port-taken', 'publications-full']),
  /** A reason for people. */
  why: v.string(),
})

const LinkSchema = v.picklist(['outside', 'hub', 'tunnel', 'home', 'service'])
const TimeSchema = v.pipe(v.string(), v.maxLength(30), v.isoTimestamp())

/** What the hub's own checks know of a publication. */
const PublicationStandingSchema = v.object({
  /** `proven`: data comes back from the service. `failing`: a link of the way to it fails. `unknown`: neither. */
  state: v.picklist(['proven', 'failing', 'unknown']),
  /** Since when it is so; null: it is not checked yet. */
  since: v.nullable(TimeSchema),
  /** The last check that proved it; null: none did. */
  provenAt: v.nullable(TimeSchema),
  /** The link that fails. Default: none. */
  link: v.optional(LinkSchema),
  /** Why it is failing or unknown, for people. */
  why: v.optional(v.pipe(v.string(), v.maxLength(1_000))),
})

/** How many publications a home hears of with each registration, those that fail first: it registers all day. */
export const MOST_TOLD = 16

/** A home's own publications as the hub's checks know them, in the answer to its registration. */
export const PublishedStandings = v.object({
  /** How many there are; `told` may be fewer. */
  count: v.pipe(v.number(), v.integer(), v.minValue(0)),
  told: knownOnes(v.object({ ...FieldsSchema.entries, ...PublicationStandingSchema.entries }), MOST_TOLD),
})

const ListedPublicationSchema = v.object({
  ...PublicationSchema.entries,
  /** Ports that are not forwarded. Default: none. */
  withheld: v.optional(v.array(WithheldSchema)),
  /** Why visitors are hidden, as `source` says, though their addresses should be kept. Default: they should not. */
  whyHidden: v.optional(v.string()),
  /** Why the service is nowhere that the tunnel leads any more: the home has another LAN since. */
  whyOutside: v.optional(v.string()),
  /** What the hub's own checks know of it. Default: the hub does not check by itself. */
  standing: v.optional(PublicationStandingSchema),
  /** Why what the service sends does not leave by the hub, though it should. Default: nothing says so. */
  whyNotOutgoing: v.optional(v.string()),
})

/** GET /v1/publications. A home sees its own. */
export const PublicationList = v.object({ publications: v.array(ListedPublicationSchema) })

/** One link of a visitor's path. */
const ProofLinkSchema = v.object({
  /** `outgoing` only where the publication has it: homes that know none have no such publication. */
  link: v.picklist([...LinkSchema.options, 'outgoing']),
  /** Whether the link works; null: cannot be told. */
  works: v.nullable(v.boolean()),
  /** The result for people. */
  said: v.string(),
  /** How visitors are led now, where that is not what the publication says. */
  source: v.optional(SourceSchema),
})

/** POST /v1/publications/PROTOCOL/PORT/check. The answer has the links up to the first that fails. */
export const ProofAnswer = v.object({
  links: v.array(ProofLinkSchema),
  /** The port that was tried: the first that is forwarded. Missing in answers of a hub that withheld none. */
  port: v.optional(PortSchema),
})

/** How many such prefixes a home may name; a machine with more addresses leaves out the rest. */
export const MOST_KEPT = 64

/** Prefixes in which services see visitors' own addresses when they come through the tunnel with them. */
export const KeepsSchema = v.pipe(v.array(CidrSchema), v.maxLength(MOST_KEPT))

type Protocol = v.InferOutput<typeof ProtocolSchema>
export type Source = v.InferOutput<typeof SourceSchema>
export type PublicationRequest = Omit<v.InferOutput<typeof AddPublicationRequest>, 'version'>
export type Outgoing = Readonly<v.InferOutput<typeof OutgoingSchema>>
export type Publication = Readonly<v.InferOutput<typeof PublicationSchema>>
export type NamedTarget = Readonly<v.InferOutput<typeof NamedTargetSchema>>
export type Withheld = Readonly<v.InferOutput<typeof WithheldSchema>>
export type ListedPublication = v.InferOutput<typeof ListedPublicationSchema>
export type PublicationStanding = Readonly<v.InferOutput<typeof PublicationStandingSchema>>
export type PublishedStandings = Readonly<v.InferOutput<typeof PublishedStandings>>
export type ProofLink = v.InferOutput<typeof ProofLinkSchema>
export type ProofAnswer = v.InferOutput<typeof ProofAnswer>
export type PublicationList = v.InferOutput<typeof PublicationList>

/** How many entries published ports may have in the hub's firewall: more would keep it busy for minutes. */
export const MOST_PUBLISHED_ENTRIES = 12_000

/** Counts the ports of ranges; a port counts once for TCP and once for UDP. */
export function portCount(ranges: readonly Pick<PublishedRange, 'port' | 'lastPort'>[]): number {
  return ranges.reduce((sum, { port, lastPort }) => sum + lastPort - port + 1, 0)
}

/**
 * Counts the firewall's entries of publications. A range that keeps its numbers is one; of a range that leads to other
 * numbers each port is one, since nftables has no translation of ports in step (nft(8), "NAT STATEMENTS").
 */
export function entryCount(ranges: readonly Pick<Publication, 'port' | 'lastPort' | 'targetPort'>[]): number {
  return ranges.reduce((sum, range) => sum + (keepsNumbers(range) ? 1 : portCount([range])), 0)
}

export function keepsNumbers({ port, targetPort }: Pick<Publication, 'port' | 'targetPort'>): boolean {
  return port === targetPort
}

/** A publication as it is listed, with what the hub's checks know of it. @param standing null: it does not check. */
export function withStanding(listed: ListedPublication, standing: PublicationStanding | null): ListedPublication {
  return standing === null ? listed : { ...listed, standing }
}

export interface PublishedRange {
  readonly protocol: Protocol
  readonly port: number
  readonly lastPort: number
}

/** A range as text, e.g. `443/tcp` or `8000-8010/udp`. */
export function rangeText({ protocol, port, lastPort }: PublishedRange): string {
  return `${port === lastPort ? port : `${port}-${lastPort}`}/${protocol}`
}

/** Reads what rangeText prints; null for anything else. */
export function parseRange(text: string): PublishedRange | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?\/(tcp|udp)$/.exec(text)
  if (match === null) return null
  const port = Number(match[1])
  const lastPort = match[2] === undefined ? port : Number(match[2])
  if (port < 1 || lastPort > 65_535 || lastPort < port) return null
  return { protocol: match[3] as Protocol, port, lastPort }
}
