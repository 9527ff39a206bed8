import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { Problem } from '../problems/problem.ts'
import { HostSchema, PortSchema } from './addresses.ts'
import { FingerprintSchema } from './fingerprint.ts'
import { PublicKeySchema, SecretSchema } from './messages.ts'
import { NameSchema } from './names.ts'

const TokenSchema = v.object({
  home: NameSchema,
  /** Addresses at which the hub is reached from outside, best first. */
  addresses: v.pipe(v.array(HostSchema), v.minLength(1), v.maxLength(8)),
  /** One port number: UDP for WireGuard, TCP for the registrar. */
  port: PortSchema,
  hubPublicKey: PublicKeySchema,
  certificate: FingerprintSchema,
  /** A one-time secret. The hub holds its hash and its expiry: the hub's clock decides, a Pi may wake up in 1970. */
  joinSecret: SecretSchema,
})

/** Everything that a machine needs to become a home. The whole token is a secret. */
export type JoinToken = v.InferOutput<typeof TokenSchema>

const VERSION = 'hw1'

/** Prints `hw1.PAYLOAD.CHECK`: base64url of JSON, and eight characters of its SHA-256 to detect a bad copy. */
export function formatToken(token: JoinToken): string {
  const payload = Buffer.from(JSON.stringify(token)).toString('base64url')
  return `${VERSION}.${payload}.${checkOf(payload)}`
}

/**
 * Reads a token as pasted: white space and line breaks inside it are ignored.
 * @throws {Problem} `token-malformed`, `token-version`, `token-damaged`. The token is never quoted.
 */
export function parseToken(text: string): JoinToken {
  const what = 'reading the token'
  const [version, payload, check, more] = text.replaceAll(/\s/g, '').split('.')
  if (version !== VERSION && version !== undefined && /^hw\d+$/.test(version) && payload !== undefined)
    throw new Problem('token-version', { what, why: `it is of version ${version}, this homeward reads ${VERSION}` })
  if (version !== VERSION || payload === undefined)
    throw new Problem('token-malformed', { what, why: 'it does not begin with hw1.' })
  if (check === undefined) throw new Problem('token-damaged', { what, why: 'its end is missing' })
  if (more !== undefined || check !== checkOf(payload))
    throw new Problem('token-damaged', { what, why: 'its check does not match' })
  const result = v.safeParse(TokenSchema, jsonIn(payload))
  if (!result.success) throw new Problem('token-damaged', { what, why: 'it lacks what a token holds' })
  return result.output
}

function checkOf(payload: string): string {
  return createHash('sha256').update(payload).digest('base64url').slice(0, 8)
}

function jsonIn(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as unknown
  } catch {
    return null
  }
}
