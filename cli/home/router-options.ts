import * as v from 'valibot'
import type { HostKeyTrust, RouterChoice, RouterTrust } from '../../agent/membership/choose-router.ts'
import { Problem } from '../../problems/problem.ts'
import { isHost, PortSchema } from '../../protocol/addresses.ts'

/** The options of `homeward join` about the router, as commander gives them. */
export interface RouterOptions {
  readonly router: string
  readonly host?: string
  readonly user?: string
  readonly passwordFile?: string
  readonly identityFile?: string
  readonly hostKey?: string
  readonly port?: string
  readonly tlsFingerprint?: string
  readonly plain?: boolean
}

/** The user that `homeward router mikrotik-setup` creates. */
const MIKROTIK_USER = 'homeward'
const TLS_PORT = 8729
const PLAIN_PORT = 8728
/** The user that may configure an OpenWrt router. */
const OPENWRT_USER = 'root'
const SSH_PORT = 22

/** @throws {Problem} `wrong-usage` that names the options, `router-unsupported`. */
export function routerChoice(options: RouterOptions): RouterChoice {
  const { router, host, user, passwordFile, plain = false } = options
  if (router === 'linux') {
    refuse(given(options), 'they belong to --router mikrotik or --router openwrt')
    return { kind: 'linux' }
  }
  if (router === 'openwrt') return openwrtChoice(options)
  if (router !== 'mikrotik')
    throw new Problem('router-unsupported', {
      what: 'joining the hub',
      why: `--router ${JSON.stringify(router)} is not something this version configures`,
    })
  refuse(given({ identityFile: options.identityFile, hostKey: options.hostKey }), 'they belong to --router openwrt')
  if (host === undefined || passwordFile === undefined)
    throw wrong(
      '--router mikrotik',
      `it also needs ${[...(host === undefined ? ['--host'] : []), ...(passwordFile === undefined ? ['--password-file'] : [])].join(' and ')}`,
      'Make a user with homeward router mikrotik-setup, then pass --host ROUTER --user NAME --password-file FILE',
    )
  if (!isHost(host)) throw wrong(`--host ${JSON.stringify(host)}`, 'it is neither a host name nor an address')
  if (plain && options.tlsFingerprint !== undefined)
    refuse(['--plain', '--tls-fingerprint'], 'without encryption there is no certificate')
  return {
    kind: 'mikrotik',
    host,
    port: options.port === undefined ? (plain ? PLAIN_PORT : TLS_PORT) : portIn(options.port),
    user: user ?? MIKROTIK_USER,
    credentials: { kind: 'password', file: passwordFile },
    trust: trustIn(options),
  }
}

function openwrtChoice(options: RouterOptions): RouterChoice {
  const { host, user = OPENWRT_USER, passwordFile, identityFile, hostKey, port, tlsFingerprint, plain } = options
  refuse(given({ tlsFingerprint, plain }), 'they belong to --router mikrotik')
  const files = [passwordFile, identityFile].filter((file) => file !== undefined)
  if (host === undefined || files.length === 0)
    throw wrong(
      '--router openwrt',
      `it also needs ${[...(host === undefined ? ['--host'] : []), ...(files.length === 0 ? ['--password-file or --identity-file'] : [])].join(' and ')}`,
      'Pass --host ROUTER, and --identity-file FILE with an SSH key that it takes, or --password-file FILE with root’s password, which then gives it a key',
    )
  if (files.length > 1) refuse(['--password-file', '--identity-file'], 'give one of them, not both')
  if (!isHost(host)) throw wrong(`--host ${JSON.stringify(host)}`, 'it is neither a host name nor an address')
  return {
    kind: 'openwrt',
    host,
    port: port === undefined ? SSH_PORT : portIn(port),
    user,
    credentials: { kind: identityFile === undefined ? 'password' : 'key', file: files[0] ?? '' },
    trust: hostKeyTrustIn(hostKey),
  }
}

/** A fingerprint as ssh-keygen prints it, with its `SHA256:` or without, or in hex. */
function hostKeyTrustIn(text: string | undefined): HostKeyTrust {
  if (text === undefined) return { by: 'looking' }
  const plain = text.replace(/^SHA256:/, '').replace(/=+$/, '')
  if (/^[A-Za-z0-9+/]{43}$/.test(plain)) return { by: 'fingerprint', sha256: plain }
  const hex = plain.replaceAll(/[:\s]/g, '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(hex))
    throw wrong('--host-key', 'it must be a SHA-256, as SHA256:… of ssh-keygen -l or in 64 hex digits')
  return { by: 'fingerprint', sha256: Buffer.from(hex, 'hex').toString('base64').replace(/=+$/, '') }
}

function trustIn({ plain = false, tlsFingerprint }: RouterOptions): RouterTrust {
  if (plain) return { by: 'nothing' }
  if (tlsFingerprint === undefined) return { by: 'looking' }
  return { by: 'fingerprint', certificate: fingerprintIn(tlsFingerprint) }
}

function given(
  options: { readonly [Name in keyof RouterOptions]?: RouterOptions[Name] | undefined },
): readonly string[] {
  const names = {
    '--host': options.host,
    '--user': options.user,
    '--password-file': options.passwordFile,
    '--identity-file': options.identityFile,
    '--host-key': options.hostKey,
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

/** A fingerprint as RouterOS, openssl and browsers write it: any case, with colons or without. */
function fingerprintIn(text: string): string {
  const plain = text.replaceAll(/[:\s]/g, '').toLowerCase()
  if (/^[0-9a-f]{64}$/.test(plain)) return plain
  throw wrong('--tls-fingerprint', 'it must be a SHA-256 in 64 hex digits')
}

function wrong(what: string, why: string, next?: string): Problem {
  return new Problem('wrong-usage', { what: `reading ${what}`, why, ...(next === undefined ? {} : { next }) })
}
