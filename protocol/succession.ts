import { createHash, createPrivateKey, sign, verify, X509Certificate } from 'node:crypto'
import * as v from 'valibot'
import type { PublicKey } from '../wireguard/keys.ts'
import { FingerprintSchema } from './fingerprint.ts'

/** The most that a hub tells, and a home follows: a change of the hub's key each month for more than two years. */
export const MOST_SUCCESSIONS = 32

/** DER in base64: the hub's own certificates have some 500 bytes. */
const CertificateSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]+={0,2}$/), v.maxLength(8_192))
const SignatureSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]+={0,2}$/), v.maxLength(1_024))

/**
 * One signed hand-over of the hub's identity. The key of the certificate that homes pin says which certificate comes
 * after it, and with which WireGuard key; the next one's key says the same, so that nobody is handed over to a certificate
 * whose key is not there (as both the old and the new root sign in TUF, 5.3.4). The WireGuard key is told as a hash: anybody
 * may ask for successions, and whoever knows that key can make a hub calculate.
 */
export const SuccessionSchema = v.object({
  /** The certificate that was pinned before. */
  certificate: CertificateSchema,
  next: CertificateSchema,
  /** SHA-256 of the WireGuard key that comes with it. */
  keyHash: FingerprintSchema,
  /** ECDSA with SHA-256, DER in base64, by the key of `certificate`. */
  signature: SignatureSchema,
  /** The same by the key of `next`. */
  acceptance: SignatureSchema,
})

export const SuccessionsSchema = v.pipe(v.array(SuccessionSchema), v.maxLength(MOST_SUCCESSIONS))

/** GET /v1/identity: what leads from certificates that this hub had to the one that it has. Anybody may ask. */
export const IdentityAnswer = v.object({ successions: SuccessionsSchema })

export type Succession = Readonly<v.InferOutput<typeof SuccessionSchema>>

/** A certificate with its key, PEM. */
interface Signer {
  readonly certificate: string
  readonly key: string
}

/** A certificate to which successions lead. */
export interface Successor {
  /** SHA-256 of the certificate. */
  readonly certificate: string
  readonly keyHash: string
}

/** Signs a hand-over by both certificates. @throws where a key is not its certificate's. */
export function signSuccession(from: Signer, to: Signer & { readonly publicKey: PublicKey }): Succession {
  const [certificate, next] = [derOf(from.certificate), derOf(to.certificate)]
  const keyHash = hashOfKey(to.publicKey)
  const said = statement(hashOf(certificate), hashOf(next), keyHash)
  const succession = {
    certificate: certificate.toString('base64'),
    next: next.toString('base64'),
    keyHash,
    signature: sign('sha256', said, createPrivateKey(from.key)).toString('base64'),
    acceptance: sign('sha256', said, createPrivateKey(to.key)).toString('base64'),
  }
  if (successorsOf(hashOf(certificate), [succession]).length === 0)
    throw new TypeError('a certificate and its key do not belong together')
  return succession
}

/**
 * Follows successions from a pin as far as their signatures hold. What does not begin at the pin is passed over, so that a
 * hub tells all that it has.
 * @returns in their order; empty: none leads away from the pin.
 */
export function successorsOf(pin: string, successions: readonly Succession[]): readonly Successor[] {
  const found: Successor[] = []
  let at = pin
  for (const succession of successions.slice(0, MOST_SUCCESSIONS)) {
    const next = successorBy(at, succession)
    if (next === null) continue
    found.push(next)
    at = next.certificate
  }
  return found
}

export function hashOfKey(publicKey: PublicKey): string {
  return createHash('sha256').update(`homeward hub key ${publicKey}`).digest('hex')
}

function successorBy(pin: string, { certificate, next, keyHash, signature, acceptance }: Succession): Successor | null {
  const [before, after] = [Buffer.from(certificate, 'base64'), Buffer.from(next, 'base64')]
  if (hashOf(before) !== pin) return null
  const said = statement(pin, hashOf(after), keyHash)
  const isSigned = isSignedBy(before, said, signature) && isSignedBy(after, said, acceptance)
  return isSigned ? { certificate: hashOf(after), keyHash } : null
}

/** The words that are signed. No other signature of these keys can have them: TLS's begin with 64 spaces (RFC 8446, 4.4.3). */
function statement(from: string, to: string, keyHash: string): Buffer {
  return Buffer.from(`homeward succession v1\n${from}\n${to}\n${keyHash}\n`)
}

/** Whoever answers at the hub's address may send anything: what is no certificate signs nothing. */
function isSignedBy(certificate: Buffer, said: Buffer, signature: string): boolean {
  try {
    return verify('sha256', said, new X509Certificate(certificate).publicKey, Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}

function derOf(certificate: string): Buffer {
  return new X509Certificate(certificate).raw
}

function hashOf(der: Buffer): string {
  return createHash('sha256').update(der).digest('hex')
}
