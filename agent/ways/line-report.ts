import { formatEndpoint } from '../../wireguard/spec.ts'
import type { HubConfig } from '../settings/config.ts'
import { type Echo, isSame, type Search, type Way } from './search.ts'

/** What a line lets through to the hub, by what was tried and came back. */
export interface LineFinding {
  readonly transport: 'udp' | 'tls'
  /** The hub's endpoint; of TLS its TCP port. */
  readonly endpoint: string
  readonly result: LineResult
  /** Why the TLS transport could not be opened. */
  readonly why?: string
}

type LineResult =
  /** The tunnel's heartbeats were answered, or an echo of a socket of its own was. For TLS: the hub answered. */
  | 'passes'
  | 'nothing-back'
  /** Echoes came back from there; to the tunnel's handshakes and heartbeats nothing did. */
  | 'no-handshake'
  /** WireGuard shook hands there, and no heartbeat was answered. */
  | 'no-heartbeat'
  | 'no-route'
  /** The TLS transport could not be opened. */
  | 'not-opened'
  /** The answer was not waited for. */
  | 'unknown'

/** Findings in the order of preference, TLS last. @param registrar the host and TCP port that answered the join. */
export function lineReport(search: Search, registrar: string): readonly LineFinding[] {
  const udp = search.endpoints.map(
    ({ endpoint, echo }): LineFinding => ({
      transport: 'udp',
      endpoint: formatEndpoint(endpoint),
      result: resultOf(search, { kind: 'udp', endpoint }, fromEcho(echo)),
    }),
  )
  return [...udp, { transport: 'tls', endpoint: registrar, ...tlsResult(search) }]
}

/** The registrar answered the join over TLS, at the port that the transport uses. */
function tlsResult(search: Search): Pick<LineFinding, 'result' | 'why'> {
  const { tls } = search
  if (tls.kind === 'failed') return { result: 'not-opened', why: tls.why }
  return { result: resultOf(search, { kind: 'tls' }, 'passes') }
}

/**
 * The findings in words: `UDP 51820: nothing comes back; UDP 443: passes; TLS: passes`.
 * @param all the whole report, of which these are some.
 */
export function lineText(findings: readonly LineFinding[], all = findings): string {
  return findings.map((finding) => `${placeOf(finding, all)}: ${wordsOf(finding)}`).join('; ')
}

/** An endpoint, by its port alone where all are of one host. */
function placeOf({ transport, endpoint }: LineFinding, all: readonly LineFinding[]): string {
  const hosts = new Set(all.filter((one) => one.transport === 'udp').map((one) => hostOf(one.endpoint)))
  return transport === 'tls' ? 'TLS' : `UDP ${hosts.size > 1 ? endpoint : portOf(endpoint)}`
}

/** All ways that a search may try: `UDP 51820, 4500, 443, 53 of 203.0.113.10, then TLS`. */
export function waysText({ port, alternatePorts }: HubConfig, hubLiterals: readonly string[]): string {
  const ports = [...new Set([port, ...alternatePorts])]
  return `UDP ${ports.join(', ')} of ${hubLiterals.join(' and ')}, then TLS`
}

/** Why the last way was left, and which one is tried: `UDP 51820: nothing comes back. Trying UDP 443 …` */
export function attemptText(search: Search, way: Way): string {
  const findings = lineReport(search, '')
  const left = search.ended.at(-1)?.way
  const why =
    left === undefined
      ? ''
      : `${lineText(
          findings.filter((one) => isOf(one, left)),
          findings,
        )}. `
  const next = findings.find((one) => isOf(one, way))
  return next === undefined ? why : `${why}Trying ${placeOf(next, findings)} …`
}

function isOf({ transport, endpoint }: LineFinding, way: Way): boolean {
  return way.kind === 'tls' ? transport === 'tls' : endpoint === formatEndpoint(way.endpoint)
}

function wordsOf({ transport, result, why }: LineFinding): string {
  switch (result) {
    case 'passes':
      return 'passes'
    case 'nothing-back':
      return 'nothing comes back'
    case 'no-handshake':
      return transport === 'tls'
        ? 'the hub answers, its WireGuard does not'
        : 'echoes pass, WireGuard’s handshake gets no answer'
    case 'no-heartbeat':
      return 'WireGuard shakes hands, heartbeats get no answer'
    case 'no-route':
      return 'no route leads there from here'
    case 'not-opened':
      return `could not be opened (${why})`
    case 'unknown':
      return 'not known'
    default:
      return result satisfies never
  }
}

function resultOf({ ended, proven }: Search, way: Way, asked: LineResult): LineResult {
  if (proven !== null && isSame(proven, way)) return 'passes'
  const attempts = ended.filter((one) => isSame(one.way, way))
  if (attempts.some(({ shookHands }) => shookHands === true)) return 'no-heartbeat'
  return asked === 'passes' && attempts.length > 0 ? 'no-handshake' : asked
}

function fromEcho({ kind }: Echo): LineResult {
  switch (kind) {
    case 'passes':
    case 'no-route':
      return kind
    case 'silent':
      return 'nothing-back'
    case 'pending':
      return 'unknown'
    default:
      return kind satisfies never
  }
}

function portOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf(':') + 1)
}

function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':'))
}
