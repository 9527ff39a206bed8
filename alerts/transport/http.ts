import { lookup } from 'node:dns'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isOnInternet } from '../../net/on-internet.ts'
import { Undelivered } from './channel.ts'

/** A request of a channel. Nothing in it is ever logged. */
interface Outgoing {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly body?: string
}

/** How much of an answer is read: more than any channel's server sends. */
const LARGEST_ANSWER = 16 * 1024
const LONGEST_WAIT_MS = 3_600_000

/** Sends one request. @returns the answer's text. @throws {Undelivered} when the answer is not 2xx. */
export type Send = (url: string, outgoing: Outgoing, signal: AbortSignal) => Promise<string>

/**
 * Over HTTPS, or HTTP where its URL says so. node:https and not fetch, which costs 16 MB at first use. Redirects are not
 * followed: a channel's address is written down, and a token must not go elsewhere.
 */
export const send: Send = async (url, outgoing, signal) => await exchange(placeOf(url), outgoing, signal, {})

/**
 * The same for an address that somebody else chose: over HTTPS with a certificate that is right, and to no network of
 * this machine. What a name resolves to is looked at in the moment in which it is dialled, so that no second answer of
 * its name server leads elsewhere.
 */
export const sendToInternet: Send = async (url, outgoing, signal) => {
  const place = placeOf(url)
  if (place.protocol !== 'https:') throw new Undelivered(`${place.host}: what the hub gives is sent over HTTPS only`)
  const literal = place.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(literal) !== 0 && !isOnInternet(literal)) throw new Undelivered(`${place.host}: ${NOT_OUTSIDE}`)
  return await exchange(place, outgoing, signal, { lookup: lookUpOutside })
}

const NOT_OUTSIDE = 'it is not on the internet, and the hub chose it'

/** dns.lookup() without addresses of this machine's own networks. */
const lookUpOutside: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error !== null) return callback(error, [])
    const outside = found.filter(({ address }) => isOnInternet(address))
    const [first] = outside
    if (first === undefined) return callback(new Error(NOT_OUTSIDE), [])
    if (options.all === true) return callback(null, outside)
    return callback(null, first.address, first.family)
  })
}

async function exchange(
  place: URL,
  outgoing: Outgoing,
  signal: AbortSignal,
  dial: { readonly lookup?: LookupFunction },
): Promise<string> {
  const body = outgoing.json === undefined ? (outgoing.body ?? '') : JSON.stringify(outgoing.json)
  const request = place.protocol === 'https:' ? httpsRequest : httpRequest
  return await new Promise((resolve, reject) => {
    const fail = (why: string, retryAfterMs: number | null = null): void =>
      reject(new Undelivered(`${place.host}: ${why}`, { retryAfterMs }))
    const asked = request(
      place,
      {
        method: outgoing.method ?? 'POST',
        signal,
        agent: false,
        ...dial,
        headers: {
          'user-agent': 'homeward',
          'content-length': Buffer.byteLength(body),
          ...(outgoing.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...outgoing.headers,
        },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          if (text.length < LARGEST_ANSWER) text += part
          else response.destroy()
        })
        response.on('error', (error) => fail(error.message))
        response.on('close', () => {
          const status = response.statusCode ?? 0
          if (status >= 200 && status < 300) resolve(text)
          else fail(`it answered ${status}`, retryAfterMs(response.headers['retry-after'], text))
        })
      },
    )
    asked.on('error', (error) => fail(signal.aborted ? 'no answer in time' : error.message))
    asked.end(body)
  })
}

/** Joins a path to a server, which may itself be under a path. */
export function joinUrl(server: string, path: string): string {
  return `${server.replace(/\/+$/, '')}/${path}`
}

function placeOf(url: string): URL {
  try {
    return new URL(url)
  } catch {
    throw new Undelivered('its address is no URL')
  }
}

/** The wait that a server asks for (RFC 9110, 10.2.3): seconds or a date; Telegram and Discord say it in the body. */
function retryAfterMs(header: string | undefined, body: string): number | null {
  const seconds = header !== undefined && /^\d+$/.test(header.trim()) ? Number(header) : null
  const until = header === undefined || seconds !== null ? Number.NaN : Date.parse(header)
  const [, inBody] = /"retry_after"\s*:\s*([\d.]+)/.exec(body) ?? []
  const ms =
    seconds !== null
      ? seconds * 1_000
      : Number.isFinite(until)
        ? until - Date.now()
        : inBody === undefined
          ? null
          : Number(inBody) * 1_000
  return ms === null ? null : Math.min(LONGEST_WAIT_MS, Math.max(0, ms))
}
