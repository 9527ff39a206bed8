import { Problem } from '../../problems/problem.ts'
import type { RouterConfig } from '../settings/config.ts'
import type { Credentials } from '../secrets/router-login.ts'

/** The device that a join was told to end the tunnel on. */
export type RouterChoice =
  | { readonly kind: 'linux' }
  | {
      readonly kind: 'mikrotik'
      readonly host: string
      readonly port: number
      readonly user: string
      readonly credentials: Credentials
      readonly trust: RouterTrust
    }
  | {
      readonly kind: 'openwrt'
      readonly host: string
      readonly port: number
      readonly user: string
      readonly credentials: Credentials
      readonly trust: HostKeyTrust
    }

/** How to know that the other end is the router. */
export type RouterTrust =
  /** SHA-256 of its certificate, 64 lower-case hex digits. */
  | { readonly by: 'fingerprint'; readonly certificate: string }
  /** Any certificate that the router shows, if the person says that it is right. */
  | { readonly by: 'looking' }
  /** Without a check; unencrypted. */
  | { readonly by: 'nothing' }

/** How to know that the other end is the SSH server. */
export type HostKeyTrust =
  /** SHA-256 in base64 without padding. */
  { readonly by: 'fingerprint'; readonly sha256: string } | { readonly by: 'looking' }

/** The identity that a router shows before anything of ours was sent. */
export interface RouterIdentity {
  readonly kind: 'certificate' | 'host key'
  readonly host: string
  readonly fingerprint: string
  /** A certificate's subject, or a key's type. */
  readonly subject: string
  /** The option to pass when nobody is there to be asked. */
  readonly option: string
  /** The command to type at the router's own console to see the fingerprint there. */
  readonly whereShown: string
}

/**
 * The router with the certificate that is trusted from now on.
 * @param trust whether the person says that this is the router's own.
 * @returns null when the person does not.
 * @throws {Problem} of the first contact: `router-unreachable`, `router-certificate-missing`.
 */
export async function chooseRouter(
  choice: RouterChoice,
  trust: (shown: RouterIdentity) => Promise<boolean>,
  signal: AbortSignal,
): Promise<RouterConfig | null> {
  if (choice.kind === 'linux') return { kind: 'linux' }
  if (choice.kind === 'openwrt') return chooseOpenwrt(choice, trust, signal)
  const { kind, host, port, user } = choice
  if (choice.trust.by === 'nothing') return { kind, host, port, user, certificate: null }
  if (choice.trust.by === 'fingerprint') return { kind, host, port, user, certificate: choice.trust.certificate }
  const { readCertificate, WHERE_SHOWN: whereShown } = await import('../../adapters/mikrotik/api/certificate.ts')
  const { fingerprint, subject } = await readCertificate(host, port, signal)
  return (await trust({ kind: 'certificate', host, fingerprint, subject, whereShown, option: '--tls-fingerprint' }))
    ? { kind, host, port, user, certificate: fingerprint }
    : null
}

/** Looks at the router's host key in any case, since its type has to be known. */
async function chooseOpenwrt(
  { kind, host, port, user, trust: given }: Extract<RouterChoice, { kind: 'openwrt' }>,
  trust: (shown: RouterIdentity) => Promise<boolean>,
  signal: AbortSignal,
): Promise<RouterConfig | null> {
  const { readHostKey } = await import('../../adapters/openwrt/ssh/ssh.ts')
  const hostKey = await readHostKey(host, port, signal)
  const router: RouterConfig = { kind, host, port, user, hostKey }
  if (given.by === 'looking') {
    const shown = { host, subject: hostKey.type, fingerprint: `SHA256:${hostKey.sha256}`, option: '--host-key' }
    return (await trust({ kind: 'host key', whereShown: whereHostKeyShown(hostKey.type), ...shown })) ? router : null
  }
  if (hostKey.sha256 === given.sha256) return router
  throw new Problem('router-host-key-mismatch', {
    what: `trusting the router at ${host}`,
    why: `it shows the host key ${hostKey.type} SHA256:${hostKey.sha256}, and --host-key says SHA256:${given.sha256}`,
    next: `Look at it on the router itself: ${whereHostKeyShown(hostKey.type)}`,
  })
}

/** Older dropbears print another hash there, but always the key itself: its SHA-256 is what counts. */
function whereHostKeyShown(type: string): string {
  const name = type === 'ssh-rsa' ? 'rsa' : type === 'ssh-ed25519' ? 'ed25519' : 'ecdsa'
  return `dropbearkey -y -f /etc/dropbear/dropbear_${name}_host_key`
}

/** The problem when nobody was there to say whether it is the right router. */
export function unconfirmed({ kind, host, fingerprint, whereShown, option }: RouterIdentity): Problem {
  return new Problem('router-unconfirmed', {
    what: `trusting the router at ${host}`,
    why: `its ${kind} was neither given nor confirmed at a terminal; it shows ${kind === 'certificate' ? 'SHA-256 ' : ''}${fingerprint}`,
    next: `Compare that with what ${whereShown} shows on the router itself, then pass ${option} ${fingerprint}`,
  })
}
