import { newestCertificate, notFollowing, type Standing, standingOf } from '../core/hand-over.ts'
import type { StoreDocument } from '../core/store-document.ts'
import type { OwnIdentity } from '../settings/own-identity.ts'

/** Where the change of the hub's own key and certificate stands. */
export interface IdentityReport {
  readonly publicKey: string
  /** SHA-256 of the certificate. */
  readonly certificate: string
  /** Since when; null: since the hub was made. */
  readonly since: string | null
  /** What comes next; null: nothing is announced. */
  readonly next: { readonly publicKey: string; readonly certificate: string; readonly announcedAt: string } | null
  /** How each home stands to the newest of them. */
  readonly homes: readonly { readonly name: string; readonly standing: Standing }[]
}

type Known = Pick<OwnIdentity, 'publicKey' | 'fingerprint' | 'handOver'>

export function identityReport(
  { publicKey, fingerprint, handOver }: Known,
  { homes }: Pick<StoreDocument, 'homes'>,
): IdentityReport {
  const { next, present } = handOver
  const newest = newestCertificate(handOver)
  return {
    publicKey,
    certificate: fingerprint,
    since: present?.since ?? null,
    next:
      next === null
        ? null
        : { publicKey: next.publicKey, certificate: next.certificate, announcedAt: next.announcedAt },
    homes: homes.map((home) => ({ name: home.name, standing: standingOf(home, newest) })),
  }
}

/** What the hub's owner should know of it. */
export function identityNotes(known: Known, document: Pick<StoreDocument, 'homes'>): readonly string[] {
  const { next, since, homes } = identityReport(known, document)
  const named = (standing: Standing): string =>
    homes
      .filter((home) => home.standing === standing)
      .map(({ name }) => name)
      .join(', ')
  const behind = next === null ? notFollowing(known.handOver, document).map(({ name }) => name) : []
  return [
    ...(next === null
      ? []
      : [
          `the hub gets another key and certificate when all homes have confirmed it: ${[
            `confirmed ${named('confirmed') || 'by none'}`,
            ...(named('waiting') === '' ? [] : [`not yet ${named('waiting')}`]),
            ...(named('older') === '' ? [] : [`too old, or not heard since the upgrade: ${named('older')}`]),
          ].join('; ')} (homeward hub rotate-identity says what can be done)`,
        ]),
    ...(behind.length === 0
      ? []
      : [
          `${behind.join(', ')} ${behind.length === 1 ? 'has' : 'have'} not followed the hub to the key that it has since ${since}: ${behind.length === 1 ? 'it follows when it is' : 'they follow when they are'} heard again, or must be invited again`,
        ]),
  ]
}
