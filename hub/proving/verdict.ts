import type { ProofLink } from '../../protocol/publications.ts'

/** The result of one check of a publication. */
export type Verdict =
  /** Data came back from the service. */
  | { readonly kind: 'proven' }
  /** A link of a visitor's path fails; `why` is a sentence for people. */
  | { readonly kind: 'failing'; readonly link: FailingLink; readonly why: string }
  /** Nothing proves that the service is there, and nothing that it is not: many a UDP service is silent. */
  | { readonly kind: 'silent'; readonly why: string }

export type FailingLink = Exclude<ProofLink['link'], 'outside' | 'outgoing'>

/** The longest sentence that is kept: a rule of somebody else, which it may quote, has no bound. */
const LONGEST_WHY = 400

/** The verdict of a visitor's path as the hub followed it; null: it was not followed to its end, and nothing failed. */
export function verdictOf(links: readonly ProofLink[]): Verdict | null {
  for (const { link, works, said } of links)
    if (works === false && link !== 'outside' && link !== 'outgoing') return { kind: 'failing', link, why: cut(said) }
  const service = links.find(({ link }) => link === 'service')
  if (service === undefined) return null
  return service.works === true ? { kind: 'proven' } : { kind: 'silent', why: cut(service.said) }
}

function cut(text: string): string {
  return text.length > LONGEST_WHY ? `${text.slice(0, LONGEST_WHY - 1)}…` : text
}
