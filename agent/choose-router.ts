import { Problem } from '../problems/problem.ts'
import type { RouterConfig } from './config.ts'

/** What a join was told to end the tunnel on. */
export type RouterChoice =
  | { readonly kind: 'linux' }
  | {
      readonly kind: 'mikrotik'
      readonly host: string
      readonly port: number
      readonly user: string
      /** Of the owner; nobody else may read it. */
      readonly passwordFile: string
      readonly trust: RouterTrust
    }

/** Whether the other end is the router. */
export type RouterTrust =
  /** SHA-256 of its certificate, 64 lower-case hex digits. */
  | { readonly by: 'fingerprint'; readonly certificate: string }
  /** Whatever certificate it shows, if the person says that it is right. */
  | { readonly by: 'looking' }
  /** Nobody asks; unencrypted. */
  | { readonly by: 'nothing' }

/** What a router shows of itself before anything of ours was sent. */
export interface RouterCertificate {
  readonly host: string
  readonly fingerprint: string
  readonly subject: string
  /** What to type at the router's own console to see it there. */
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
  trust: (shown: RouterCertificate) => Promise<boolean>,
  signal: AbortSignal,
): Promise<RouterConfig | null> {
  if (choice.kind === 'linux') return { kind: 'linux' }
  const { kind, host, port, user } = choice
  if (choice.trust.by === 'nothing') return { kind, host, port, user, certificate: null }
  if (choice.trust.by === 'fingerprint') return { kind, host, port, user, certificate: choice.trust.certificate }
  const { readCertificate, WHERE_SHOWN: whereShown } = await import('../adapters/mikrotik/certificate.ts')
  const { fingerprint, subject } = await readCertificate(host, port, signal)
  return (await trust({ host, fingerprint, subject, whereShown }))
    ? { kind, host, port, user, certificate: fingerprint }
    : null
}

/** Nobody was there to say whether it is the right one. */
export function unconfirmed({ host, fingerprint, whereShown }: RouterCertificate): Problem {
  return new Problem('router-unconfirmed', {
    what: `trusting the router at ${host}`,
    why: `its certificate was neither given nor confirmed at a terminal; it shows SHA-256 ${fingerprint}`,
    next: `Compare that with what ${whereShown} shows on the router itself, then pass --tls-fingerprint ${fingerprint}`,
  })
}
