import { Problem, reasonOf } from '../../../problems/problem.ts'
import { hostPort } from '../../../wireguard/host-port.ts'
import type { HostKey } from './host-key.ts'

/** The login that was tried, as far as it matters to why it failed. */
interface Wanted {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly hostKey: HostKey
}

/** Why there is no session, in words. @param shown null: no key was shown. */
export function whyNot(error: unknown, access: Wanted, shown: HostKey | null): Problem {
  const { host, port, user, hostKey } = access
  const what = `logging in to the router ${hostPort(host, port)}`
  const message = reasonOf(error)
  if (shown !== null && (shown.type !== hostKey.type || shown.sha256 !== hostKey.sha256))
    return new Problem('router-host-key-mismatch', {
      what,
      why: `it shows the host key ${shown.type} SHA256:${shown.sha256}, and the one that was trusted is ${hostKey.type} SHA256:${hostKey.sha256}`,
    })
  if (/no matching host key/i.test(message))
    return new Problem('router-host-key-mismatch', {
      what,
      why: `it has no ${hostKey.type} host key any more, and that was the trusted one`,
    })
  if ((error as { level?: string } | undefined)?.level === 'client-authentication')
    return new Problem('router-login-refused', { what, why: `it does not let ${user} in`, cause: error })
  if (/cannot parse privatekey|encrypted/i.test(message))
    return new Problem('config-invalid', {
      what,
      why: 'the key to log in with is none that can be read here',
      next: 'Give it an OpenSSH private key (ed25519 or RSA) without a passphrase: ssh-keygen -p takes one off',
      cause: error,
    })
  return unreachable({ host, port }, error)
}

export function unreachable({ host, port }: { readonly host: string; readonly port: number }, error: unknown): Problem {
  const what = `connecting to the router ${hostPort(host, port)}`
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new Problem('name-unresolved', { what, why: 'its name does not resolve', cause: error })
  const why =
    code === 'ECONNREFUSED'
      ? `nothing listens on port ${port}: is its SSH server on, and for this network?`
      : code === 'EHOSTUNREACH' || code === 'ENETUNREACH'
        ? 'no route leads to it'
        : reasonOf(error)
  return new Problem('router-unreachable', { what, why, cause: error })
}

export function gone(what: string, why: string): Problem {
  return new Problem('router-unreachable', { what, why })
}
