import * as v from 'valibot'
import { CidrSchema, Ipv4Schema, PortSchema } from './addresses.ts'
import { NameSchema } from './names.ts'

/** Ports of the hub that are forwarded to services at homes, as agent and hub speak of them. */

const ProtocolSchema = v.picklist(['tcp', 'udp'])

/** `keep`: the service sees the visitor's address. `hide`: it sees the hub, or its own router. */
const SourceSchema = v.picklist(['keep', 'hide'])

const FieldsSchema = v.object({
  protocol: ProtocolSchema,
  /** On the hub, first to last. */
  port: PortSchema,
  lastPort: PortSchema,
  /** Of the service: in the home's LAN, or the home's own address inside the tunnel. */
  address: Ipv4Schema,
  /** Where the first one leads; the others follow in step. */
  targetPort: PortSchema,
})

/** POST /v1/publications. */
export const AddPublicationRequest = v.object({
  version: v.literal(1),
  ...FieldsSchema.entries,
  /** null: keep where that can work, else hide. */
  source: v.nullable(SourceSchema),
})

export const PublicationSchema = v.strictObject({
  ...FieldsSchema.entries,
  source: SourceSchema,
  home: NameSchema,
  addedAt: v.pipe(v.string(), v.isoTimestamp()),
})

/** Ports of a publication that lead nowhere for now. */
const WithheldSchema = v.object({
  protocol: ProtocolSchema,
  port: PortSchema,
  lastPort: PortSchema,
  code: v.picklist(['port-taken', 'publications-full']),
  /** For people. */
  why: v.string(),
})

const ListedPublicationSchema = v.object({
  ...PublicationSchema.entries,
  /** Default: all of it is forwarded. */
  withheld: v.optional(v.array(WithheldSchema)),
})

/** GET /v1/publications. A home sees its own. */
export const PublicationList = v.object({ publications: v.array(ListedPublicationSchema) })

/** One link of a visitor's path. */
const ProofLinkSchema = v.object({
  link: v.picklist(['outside', 'hub', 'tunnel', 'home', 'service']),
  /** null: it cannot be told. */
  works: v.nullable(v.boolean()),
  /** For people. */
  said: v.string(),
})

/** POST /v1/publications/PROTOCOL/PORT/check. The links up to the first that fails. */
export const ProofAnswer = v.object({
  links: v.array(ProofLinkSchema),
  /** The one that was tried: the first that is forwarded. Not in answers of a hub that withheld none. */
  port: v.optional(PortSchema),
})

/** Prefixes in which services see visitors' own addresses when they come through the tunnel with them. */
export const KeepsSchema = v.pipe(v.array(CidrSchema), v.maxLength(64))

type Protocol = v.InferOutput<typeof ProtocolSchema>
export type Source = v.InferOutput<typeof SourceSchema>
export type PublicationRequest = Omit<v.InferOutput<typeof AddPublicationRequest>, 'version'>
export type Publication = Readonly<v.InferOutput<typeof PublicationSchema>>
export type Withheld = Readonly<v.InferOutput<typeof WithheldSchema>>
export type ListedPublication = v.InferOutput<typeof ListedPublicationSchema>
export type ProofLink = v.InferOutput<typeof ProofLinkSchema>
export type ProofAnswer = v.InferOutput<typeof ProofAnswer>
export type PublicationList = v.InferOutput<typeof PublicationList>

/** Of a hub. Until a range is one entry of its firewall each port is one: more would keep it busy for minutes. */
export const MOST_PUBLISHED_PORTS = 12_000

/** A port counts once for TCP and once for UDP. */
export function portCount(ranges: readonly Pick<PublishedRange, 'port' | 'lastPort'>[]): number {
  return ranges.reduce((sum, { port, lastPort }) => sum + lastPort - port + 1, 0)
}

export interface PublishedRange {
  readonly protocol: Protocol
  readonly port: number
  readonly lastPort: number
}

/** `443/tcp`, `8000-8010/udp`. */
export function rangeText({ protocol, port, lastPort }: PublishedRange): string {
  return `${port === lastPort ? port : `${port}-${lastPort}`}/${protocol}`
}

/** null for anything that is none. */
export function parseRange(text: string): PublishedRange | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?\/(tcp|udp)$/.exec(text)
  if (match === null) return null
  const port = Number(match[1])
  const lastPort = match[2] === undefined ? port : Number(match[2])
  if (port < 1 || lastPort > 65_535 || lastPort < port) return null
  return { protocol: match[3] as Protocol, port, lastPort }
}
