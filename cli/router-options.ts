import * as v from 'valibot'
import type { RouterChoice, RouterTrust } from '../agent/choose-router.ts'
import { Problem } from '../problems/problem.ts'
import { isHost, PortSchema } from '../protocol/addresses.ts'

/** What `homeward join` is told of the router, as commander gives it. */
export interface RouterOptions {
  readonly router: string
  readonly host?: string
  readonly user?: string
  readonly passwordFile?: string
  readonly port?: string
  readonly tlsFingerprint?: string
  readonly plain?: boolean
}

/** What `homeward router mikrotik-setup` makes. */
const USER = 'homeward'
const TLS_PORT = 8729
const PLAIN_PORT = 8728

/** @throws {Problem} `wrong-usage` that names the options, `router-unsupported`. */
export function routerChoice(options: RouterOptions): RouterChoice {
  const { router, host, user = USER, passwordFile, plain = false } = options
  if (router === 'linux') {
    refuse(given(options), 'they belong to --router mikrotik')
    return { kind: 'linux' }
  }
  if (router !== 'mikrotik')
    throw new Problem('router-unsupported', {
      what: 'joining the hub',
      why: `--router ${JSON.stringify(router)} is not something this version configures`,
    })
  if (host === undefined || passwordFile === undefined)
    throw wrong(
      '--router mikrotik',
      `it also needs ${[...(host === undefined ? ['--host'] : []), ...(passwordFile === undefined ? ['--password-file'] : [])].join(' and ')}`,
      'Make a user with homeward router mikrotik-setup, then pass --host ROUTER --user NAME --password-file FILE',
    )
  if (!isHost(host)) throw wrong(`--host ${JSON.stringify(host)}`, 'it is no host name and no address')
  if (plain && options.tlsFingerprint !== undefined)
    refuse(['--plain', '--tls-fingerprint'], 'without encryption there is no certificate')
  return {
    kind: 'mikrotik',
    host,
    port: options.port === undefined ? (plain ? PLAIN_PORT : TLS_PORT) : portIn(options.port),
    user,
    passwordFile,
    trust: trustIn(options),
  }
}

function trustIn({ plain = false, tlsFingerprint }: RouterOptions): RouterTrust {
  if (plain) return { by: 'nothing' }
  if (tlsFingerprint === undefined) return { by: 'looking' }
  return { by: 'fingerprint', certificate: fingerprintIn(tlsFingerprint) }
}

function given(options: RouterOptions): readonly string[] {
  const names = {
    '--host': options.host,
    '--user': options.user,
    '--password-file': options.passwordFile,
    '--port': options.port,
    '--tls-fingerprint': options.tlsFingerprint,
    '--plain': options.plain,
  }
  return Object.entries(names).flatMap(([name, value]) => (value === undefined ? [] : [name]))
}

function refuse(names: readonly string[], why: string): void {
  if (names.length > 0) throw wrong(names.join(' and '), why)
}

function portIn(text: string): number {
  const result = v.safeParse(PortSchema, /^\d+$/.test(text) ? Number(text) : Number.NaN)
  if (result.success) return result.output
  throw wrong(`--port ${JSON.stringify(text)}`, 'it must be a number from 1 to 65535')
}

/** As RouterOS, openssl and browsers write it: any case, with colons or without. */
function fingerprintIn(text: string): string {
  const plain = text.replaceAll(/[:\s]/g, '').toLowerCase()
  if (/^[0-9a-f]{64}$/.test(plain)) return plain
  throw wrong('--tls-fingerprint', 'it must be a SHA-256 in 64 hex digits')
}

function wrong(what: string, why: string, next?: string): Problem {
  return new Problem('wrong-usage', { what: `reading ${what}`, why, ...(next === undefined ? {} : { next }) })
}
