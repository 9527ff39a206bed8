import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import * as v from 'valibot'
import { Problem } from '../problems/problem.ts'
import { hostPort } from '../wireguard/host-port.ts'
import { isHost } from './addresses.ts'
import { SecretSchema } from './messages.ts'

/**
 * Picking up the first token of a hub that cloud-init sets up. Whoever made the user-data has a code; the hub is given
 * what is derived from it, and never the code: a key by which it shows that its certificate is the right one, and the
 * hash of the secret for which it gives the token, once. So whoever reads the user-data on the VPS cannot pick it up.
 */

/** A code as it is typed at home: `hwp1.CODE.CHECK@HOST[:PORT]`. A secret. */
export interface PickupCode {
  /** 16 random bytes, base64url. */
  readonly code: string
  readonly host: string
  readonly port: number
}

export const PickupLockSchema = v.object({
  /** Shows to whoever knows the code that a certificate is this hub's; 32 bytes, base64url. */
  key: SecretSchema,
  /** SHA-256 of the secret for which the token is given. */
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')),
})

/** What a hub is given of a code: `hwl1.KEY.HASH`. */
export type PickupLock = v.InferOutput<typeof PickupLockSchema>

/** GET /v1/pickup/HASH, by anybody: the HMAC of the certificate that is shown, 64 hex digits. */
export const PickupProof = v.object({ proof: PickupLockSchema.entries.hash })

/** POST /v1/pickup. The secret is the right to one token, once. */
export const PickupRequest = v.object({ version: v.literal(1), secret: SecretSchema })
export const PickupAnswer = v.object({ token: v.pipe(v.string(), v.maxLength(8_192)) })

const DEFAULT_PORT = 51_820
const CODE = /^hwp1\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{4})@(?:\[([^\]]+)\]|([^:@]+))(?::(\d{1,5}))?$/

/** How long a code is good for: whoever sets up a VPS picks the token up the same day. */
export const PICKUP_LIFE_MS = 24 * 3_600_000

export function newPickupCode(host: string, port: number): PickupCode {
  return { code: randomBytes(16).toString('base64url'), host, port }
}

/** Prints the code; four characters of its SHA-256 detect a bad copy. */
export function formatPickupCode({ code, host, port }: PickupCode): string {
  const place = port === DEFAULT_PORT ? hostPort(host, port).replace(/:\d+$/, '') : hostPort(host, port)
  return `hwp1.${code}.${checkOf(code)}@${place}`
}

/** Whether the text is meant to be a code, and not a token. */
export function isPickupCode(text: string): boolean {
  return /^\s*hwp\d+\./.test(text)
}

/** @throws {Problem} `token-damaged`. The code is never quoted. */
export function parsePickupCode(text: string): PickupCode {
  const [, code = '', check, bracketed, plain = ''] = CODE.exec(text.replaceAll(/\s/g, '')) ?? []
  const port = Number(CODE.exec(text.replaceAll(/\s/g, ''))?.[5] ?? DEFAULT_PORT)
  const host = bracketed ?? plain
  if (check === checkOf(code) && isHost(host) && port > 0 && port < 65_536) return { code, host, port }
  throw new Problem('token-damaged', {
    what: 'reading the code',
    why: 'it is not hwp1.CODE.CHECK@HOST, or its check does not match',
    next: 'Copy the whole code again, as homeward cloud-init printed it',
  })
}

/** The secret for which the hub gives the token. */
export function pickupSecret({ code }: Pick<PickupCode, 'code'>): string {
  return derived(code, 'homeward pickup secret')
}

/** What the hub is given. */
export function pickupLock(code: Pick<PickupCode, 'code'>): PickupLock {
  return { key: derived(code.code, 'homeward pickup certificate'), hash: hashOf(pickupSecret(code)) }
}

export function formatPickupLock({ key, hash }: PickupLock): string {
  return `hwl1.${key}.${hash}`
}

/** @throws {Problem} `token-damaged`. */
export function parsePickupLock(text: string): PickupLock {
  const [version, key, hash] = text.trim().split('.')
  const lock = v.safeParse(PickupLockSchema, { key, hash })
  if (version === 'hwl1' && lock.success) return lock.output
  const why = 'it is not what homeward cloud-init writes'
  throw new Problem('token-damaged', { what: 'reading the lock of a pickup', why, next: 'Make the user-data again' })
}

/** Shows that whoever has a lock's key calls this certificate its own. */
export function proofOf({ key }: Pick<PickupLock, 'key'>, certificate: string): string {
  return createHmac('sha256', Buffer.from(key, 'base64url')).update(certificate).digest('hex')
}

export function isProof(lock: PickupLock, certificate: string, proof: string): boolean {
  return timingSafeEqual(Buffer.from(proofOf(lock, certificate), 'hex'), Buffer.from(proof, 'hex'))
}

/** HKDF (RFC 5869): the code has 128 random bits, so that no slow hash is needed. */
function derived(code: string, use: string): string {
  return Buffer.from(hkdfSync('sha256', Buffer.from(code, 'base64url'), '', use, 32)).toString('base64url')
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function checkOf(code: string): string {
  return createHash('sha256').update(code).digest('base64url').slice(0, 4)
}
