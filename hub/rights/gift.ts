import { Problem } from '../../problems/problem.ts'
import { type Quota, quotaIn } from './quotas.ts'
import { type Right, rightsIn, rightsOf } from './rights.ts'

/** What the hub's owner wants a home to have, as typed; null: as it is. */
export interface Gift {
  /** As `rightsIn` reads it. */
  readonly may: string | null
  /** As `quotaIn` reads it. */
  readonly quota: string | null
}

/** What somebody has by the owner's word: a home, or whoever is invited to be one. */
export interface Given {
  readonly may?: readonly Right[] | undefined
  readonly quota?: Quota | undefined
}

/** Reads a gift, as the fields that it changes. @throws {Problem} `wrong-usage`. */
export function readGift(before: Given, { may, quota }: Gift, what: string): { may?: Right[]; quota?: Quota } {
  const rights = may === null ? null : rightsIn(may, rightsOf(before))
  if (may !== null && rights === null)
    throw unread(
      what,
      `--may ${JSON.stringify(may)}`,
      'Write rights as publish,devices for those alone, or +publish-low to add one; homeward hub invite --help lists them',
    )
  const counts = quota === null ? null : quotaIn(quota, before.quota ?? {})
  if (quota !== null && counts === null)
    throw unread(what, `--quota ${JSON.stringify(quota)}`, 'Write quotas as devices=100,ports=40000,prefixes=16')
  return { ...(rights === null ? {} : { may: [...rights] }), ...(counts === null ? {} : { quota: counts }) }
}

function unread(what: string, text: string, next: string): Problem {
  return new Problem('wrong-usage', { what, why: `${text} names something that does not exist`, next })
}
