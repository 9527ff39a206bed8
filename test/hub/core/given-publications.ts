import * as v from 'valibot'
import type { ForwardedPorts } from '../../../hub/core/forwarded-ports.ts'
import { addPublication, type PublicationInput } from '../../../hub/core/publications.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { EMPTY_DOCUMENT, type Home, type StoreDocument, StoreDocumentSchema } from '../../../hub/core/store-document.ts'
import { RIGHTS } from '../../../hub/rights/rights.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'

/** Two homes that may do all there is, and what they publish. */

export const now = new Date('2026-11-23T10:00:00Z')
const home = (name: string, letter: string, address: string, lan: string[], keeps?: string[]): Home => ({
  name,
  address,
  publicKey: parsePublicKey(`${letter.repeat(42)}A=`),
  secretHash: hashOf(name),
  lan,
  joinedAt: now.toISOString(),
  may: [...RIGHTS],
  quota: { ports: 200_000 },
  ...(keeps === undefined ? {} : { keeps }),
})
export const cabin = home('cabin', 'B', '10.86.0.2', ['192.168.1.0/24'], ['10.86.0.2/32', '192.168.1.2/32'])
export const lodge = home('lodge', 'C', '10.86.0.3', ['192.168.88.0/24'], ['192.168.88.0/24'])
export const empty: StoreDocument = { ...EMPTY_DOCUMENT, homes: [cabin, lodge] }

export const input = (more: Partial<PublicationInput> = {}): PublicationInput => ({
  protocol: 'tcp',
  port: 443,
  lastPort: 443,
  address: '192.168.1.20',
  targetPort: 8443,
  source: null,
  ...more,
})
export const NONE_WITHHELD: ForwardedPorts = { ports: [], withheld: new Map() }
const free = (): null => null
export const add = (document: StoreDocument, principal: Home | null, more: Partial<PublicationInput> = {}) =>
  addPublication(document, principal, input(more), free, now)
export const codeOf = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (thrown) {
    return (thrown as { code?: string }).code
  }
}
export const readable = (document: StoreDocument): unknown =>
  v.parse(StoreDocumentSchema, JSON.parse(JSON.stringify(document)))
