import { isIP } from 'node:net'
import { isIn } from '../net/prefix.ts'

/** Whom a name led to, where that is not the hub: what to say of it, and what to do. */
export interface LedAstray {
  /** The beginning of a sentence; empty when the hub is known by its address, or nobody was found there. */
  readonly said: string
  /** undefined: the usual advice. */
  readonly next: string | undefined
}

/**
 * Networks that no hub on the internet has: a name that leads into one of them was answered by this network's own DNS or
 * this machine's /etc/hosts (RFC 1918, RFC 6598, RFC 4193, RFC 3927, RFC 4291 2.5.6; 127.0.1.1 is Debian's).
 */
const INSIDE = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
]

/** @param address where the connection led; undefined: it is not known. */
export function ledAstray(host: string, address: string | undefined): LedAstray {
  if (isIP(host) !== 0 || address === undefined || isIP(address) === 0) return { said: '', next: undefined }
  const next = isIn(address, INSIDE)
    ? `If ${host} should lead to the VPS, this network’s DNS or this machine’s /etc/hosts says another address than the internet does: put that right (getent hosts ${host}), or let the hub be known by its address: addresses in its hub.yaml, then a new token by homeward hub invite HOME`
    : undefined
  return { said: `${host} leads to ${address} here`, next }
}
