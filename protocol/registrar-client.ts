import { request as httpRequest } from 'node:http'
import { isIP } from 'node:net'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import * as v from 'valibot'
import { isProblemCode } from '../problems/catalogue.ts'
import { quoted } from '../problems/printable.ts'
import { Problem, reasonOf } from '../problems/problem.ts'
import { within } from '../system/time/within.ts'
import { hostField, hostPort } from '../wireguard/host-port.ts'
import { ledAstray } from './led-astray.ts'
import { ErrorAnswer } from './messages.ts'
import { nat64Addresses } from './nat64.ts'
import { explainedNoWay, isNoWay } from './no-route.ts'
import { IdentityAnswer, successorsOf } from './succession.ts'

/** Where a registrar is, and the certificate that identifies it. */
export interface Registrar {
  /** An address literal or a name. */
  readonly host: string
  readonly port: number
  /** SHA-256 of the registrar's certificate, 64 hex digits. */
  readonly certificate: string
  /** That of the one which will come after it, as the registrar said under the first. Default: not known. */
  readonly next?: string | undefined
}

export interface Call<Schema extends v.GenericSchema> {
  /** What is asked for, e.g. `adding the device phone`, before ` failed`: for the error when the hub refuses. */
  readonly what?: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  /** The credentials, `HOME.SECRET`. */
  readonly bearer?: string
  readonly answer: Schema
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Is given the certificate that the registrar showed: the pinned one, or one to which that leads. */
  readonly onCertificate?: (fingerprint: string) => void
}

/** Characters. The largest list is that of as many publications as a hub has: 12,000 of 250. */
const LARGEST_ANSWER = 8 * 1024 * 1024

/**
 * Asks the registrar. The certificate is checked against the pin before the first byte of ours is sent; its dates and
 * names are ignored (a Pi may wake up in 1970, and the address may be a bare number).
 * @throws {Problem} `name-unresolved`, `hub-unreachable`, `certificate-mismatch`, `answer-invalid`, or the hub's own.
 */
export async function callRegistrar<const Schema extends v.GenericSchema>(
  registrar: Registrar,
  call: Call<Schema>,
): Promise<v.InferOutput<Schema>> {
  const what = `asking the hub at ${hostPort(registrar.host, registrar.port)}`
  // One deadline for connecting, the handshake and the answer together.
  return await within(call.timeoutMs ?? 10_000, call.signal, async (signal) => {
    const socket = await connectPinned(registrar, what, signal, call.onCertificate)
    try {
      const { status, text } = await exchange(socket, registrar, call, signal).catch((thrown: unknown) => {
        throw unreachable(what, thrown, signal)
      })
      return parseAnswer(status < 300 ? what : (call.what ?? what), status, text, call.answer)
    } finally {
      socket.destroy()
    }
  })
}

/**
 * Opens a TLS connection to the pinned hub, on which nothing was sent yet. A hub with another certificate is that hub too
 * where signatures lead to it from the pinned one.
 * @param onCertificate is given the one that it showed.
 */
export async function connectPinned(
  registrar: Registrar,
  what: string,
  signal: AbortSignal,
  onCertificate: (fingerprint: string) => void = () => undefined,
): Promise<TLSSocket> {
  try {
    const socket = await dialAnyWay(registrar, what, signal)
    onCertificate(registrar.certificate)
    return socket
  } catch (thrown) {
    if (!(thrown instanceof OtherCertificate) || signal.aborted) throw thrown
    const { seen } = thrown
    const isNext = seen === registrar.next || (await isSuccessor(registrar, seen, signal))
    if (!isNext) throw thrown
    const socket = await dialAnyWay({ ...registrar, certificate: seen }, what, signal)
    onCertificate(seen)
    return socket
  }
}

/** Somebody with another certificate than the pinned one answered. */
class OtherCertificate extends Problem {
  readonly seen: string

  constructor(seen: string, says: { readonly what: string; readonly why: string; readonly next: string | undefined }) {
    super('certificate-mismatch', says)
    this.seen = seen
  }
}

/**
 * Asks whoever has the certificate that was seen, which is told nothing, how the pinned one leads to it. Whoever cannot
 * prove it is a stranger still.
 */
async function isSuccessor(registrar: Registrar, seen: string, signal: AbortSignal): Promise<boolean> {
  const what = `asking who answers at ${hostPort(registrar.host, registrar.port)}`
  try {
    const socket = await dialAnyWay({ ...registrar, certificate: seen }, what, signal)
    try {
      const call = { method: 'GET', path: '/v1/identity', answer: IdentityAnswer } as const
      const { status, text } = await exchange(socket, registrar, call, signal)
      const { successions } = parseAnswer(what, status, text, IdentityAnswer)
      return successorsOf(registrar.certificate, successions).some(({ certificate }) => certificate === seen)
    } finally {
      socket.destroy()
    }
  } catch {
    return false
  }
}

/**
 * The certificate of whoever answers there, who is told nothing. Whether it is a hub's is for the caller to find out.
 * @throws {Problem} `name-unresolved`, `hub-unreachable`.
 */
export async function certificateAt(place: Pick<Registrar, 'host' | 'port'>, what: string): Promise<string> {
  return await within(10_000, undefined, async (signal) => {
    try {
      const socket = await dialAnyWay({ ...place, certificate: '' }, what, signal)
      socket.destroy()
    } catch (thrown) {
      if (!(thrown instanceof OtherCertificate) || thrown.seen === '') throw thrown
      return thrown.seen
    }
    throw new Problem('answer-invalid', { what, why: 'it shows no certificate' })
  })
}

/** Where no way leads to an IPv4 address, the line's NAT64 is looked for. */
async function dialAnyWay(registrar: Registrar, what: string, signal: AbortSignal): Promise<TLSSocket> {
  try {
    return await dial(registrar, what, signal)
  } catch (thrown) {
    if (!(thrown instanceof Problem) || !isNoWay(thrown.cause) || signal.aborted) throw thrown
    const [address] = await nat64Addresses(registrar.host, signal)
    if (address === undefined) throw await explainedNoWay(thrown, registrar.host)
    return await dial({ ...registrar, host: address }, `${what}, by this line’s NAT64 as ${address},`, signal)
  }
}

function dial(registrar: Registrar, what: string, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({
      host: registrar.host,
      port: registrar.port,
      minVersion: 'TLSv1.3',
      // The pin below decides. With verification on, Node would refuse every self-signed certificate.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      ...(isIP(registrar.host) === 0 ? { servername: registrar.host } : {}),
    })
    const fail = (problem: Problem): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      reject(problem)
    }
    const onAbort = (): void => fail(unreachable(what, signal.reason, signal))
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    socket.on('error', (error) => fail(unreachable(what, error, signal, registrar.host)))
    socket.once('secureConnect', () => {
      const seen = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase()
      if (seen !== registrar.certificate) {
        const { said, next } = ledAstray(registrar.host, socket.remoteAddress)
        const who = said === '' ? '' : `${said}, and somebody else answers there: `
        const why = `${who}its certificate is ${seen ?? 'missing'}, the pinned one is ${registrar.certificate}`
        return fail(new OtherCertificate(seen ?? '', { what, why, next }))
      }
      signal.removeEventListener('abort', onAbort)
      resolve(socket)
    })
  })
}

function exchange(
  socket: TLSSocket,
  registrar: Registrar,
  call: Call<v.GenericSchema>,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  const body = call.body === undefined ? '' : JSON.stringify(call.body)
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        createConnection: () => socket,
        method: call.method,
        path: call.path,
        signal,
        headers: {
          host: hostField(registrar.host, registrar.port),
          connection: 'close',
          ...(call.bearer === undefined ? {} : { authorization: `Bearer ${call.bearer}` }),
          ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
          if (text.length > LARGEST_ANSWER) response.destroy(new Error('its answer is too large'))
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

function parseAnswer<Schema extends v.GenericSchema>(
  what: string,
  status: number,
  text: string,
  schema: Schema,
): v.InferOutput<Schema> {
  if (status >= 200 && status < 300) {
    const result = v.safeParse(schema, jsonIn(text))
    if (result.success) return result.output
    throw new Problem('answer-invalid', { what, why: `its answer is not what this version expects (${status})` })
  }
  throw refusalIn(what, status, text)
}

/** The hub's own problem in an answer that is not 2xx; `answer-invalid` where the answer holds none. */
export function refusalIn(what: string, status: number, text: string): Problem {
  const refused = v.safeParse(ErrorAnswer, jsonIn(text))
  if (!refused.success) return new Problem('answer-invalid', { what, why: `it answered with status ${status}` })
  const { code, why } = refused.output.error
  const said = `the hub says: ${quoted(why)}`
  // The next step comes from our own catalogue, never from the hub: somebody may follow it as root.
  // An address that the hub has not is one of a newer version's: `request-invalid` with 404 means nothing else.
  if (status === 404 && code === 'request-invalid') return new Problem('hub-older', { what, why: said })
  if (isProblemCode(code)) return new Problem(code, { what, why: said })
  return new Problem('answer-invalid', {
    what,
    why: `${said} (${quoted(code, 40)}, which this version does not know)`,
    next: 'Look at the log of the hub: journalctl -u homeward-hub there; a newer version here may say more',
  })
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

/**
 * Why an attempt that `signal` bounds failed: a Problem as it is, else `name-unresolved` or `hub-unreachable`.
 * @param host what was connected to, where that may have been a name.
 */
export function unreachable(what: string, thrown: unknown, signal: AbortSignal, host = ''): Problem {
  if (thrown instanceof Problem) return thrown
  const { code, address } = (thrown ?? {}) as NodeJS.ErrnoException & { readonly address?: string }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new Problem('name-unresolved', { what, why: 'its name does not resolve', cause: thrown })
  const why = signal.aborted
    ? 'no answer in time'
    : code === 'ECONNREFUSED'
      ? 'nothing listens there'
      : reasonsOf(thrown)
  const { said, next } = host === '' ? { said: '', next: undefined } : ledAstray(host, address)
  return new Problem('hub-unreachable', { what, why: said === '' ? why : `${said}, and ${why}`, next, cause: thrown })
}

/** The reason, or one for each address of a name: such an error has none of its own (RFC 8305). */
function reasonsOf(thrown: unknown): string {
  return thrown instanceof AggregateError ? [...new Set(thrown.errors.map(reasonOf))].join('; ') : reasonOf(thrown)
}
