import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import type { DeviceInput } from '../../../hub/core/devices.ts'
import { type InviteContext, invite } from '../../../hub/core/invitation.ts'
import { join } from '../../../hub/core/joining.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { type Change, type Home, type StoreDocument, StoreDocumentSchema } from '../../../hub/core/store-document.ts'
import type { JoinRequest } from '../../../protocol/messages.ts'
import { presharedKeyFrom, privateKeyFrom, type PublicKey } from '../../../wireguard/keys.ts'
import { publicKeyOf } from '../../../wireguard/public-key.ts'

/** What the tests of the hub's core begin with: a moment, a network, homes that joined. */

export const HOUR = 3_600_000
export const DAY = 24 * HOUR
export const now = new Date('2026-11-23T10:00:00.000Z')
export const context: InviteContext = {
  network: '10.86.0.0/16',
  own: [{ prefix: '203.0.113.0/24', by: 'the hub’s own network at eth0' }],
  now,
}
export const later = (ms: number): InviteContext => ({ ...context, now: new Date(now.getTime() + ms) })

export const newKey = (): PublicKey => publicKeyOf(privateKeyFrom(randomBytes(32)))
export const newSecret = (): string => randomBytes(32).toString('base64url')
export const hubKey = newKey()

export function invited(document: StoreDocument, home: string, lan: readonly string[] = [], at = context) {
  const secret = newSecret()
  const [after] = invite(document, { home, lan, expiresInMs: HOUR }, hashOf(secret), at)
  return { document: after, secret }
}

export const request = (joinSecret: string, more: Partial<JoinRequest> = {}): JoinRequest => ({
  version: 1,
  joinSecret,
  publicKey: newKey(),
  homeSecret: newSecret(),
  lan: [],
  preview: false,
  ...more,
})

export function joined(document: StoreDocument, name: string, lan: readonly string[] = []) {
  const { document: open, secret } = invited(document, name, lan)
  const mine = request(secret)
  const [after, { home }] = join(open, mine, hubKey, context)
  return { document: after, home, request: mine }
}

export const device = (name: string, more: Partial<DeviceInput> = {}): DeviceInput => ({
  name,
  publicKey: newKey(),
  presharedKey: presharedKeyFrom(randomBytes(32)),
  ...more,
})

/** As it says of itself what the hub knows. */
export const unchanged = ({ publicKey, lan }: Home) => ({ publicKey, lan: [...lan], mtu: null })

/** Later than the change itself: what was written must be readable. */
export function readable<Result>([document, result]: Change<Result>): Change<Result> {
  v.parse(StoreDocumentSchema, JSON.parse(JSON.stringify(document)))
  return [document, result]
}

/** The code of the problem; what was answered when there was none. */
export const refusal = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (thrown) {
    return (thrown as { code?: string }).code
  }
}

/** What a person reads of it: `what`, `why` and `next`. */
export const reasonOf = (
  act: () => unknown,
): { readonly what: string; readonly why: string; readonly next: string } => {
  try {
    act()
  } catch (thrown) {
    return thrown as { what: string; why: string; next: string }
  }
  throw new TypeError('it was not refused')
}
