import { contains, prefixLength } from '../../net/prefix.ts'
import { type Quota, quotaOf } from './quotas.ts'
import { has, type Member, RightMissing } from './rights.ts'

/** The shortest prefix that a home may announce without its owner's word: a network of its own, not a share of all. */
const SHORTEST_BY_ITSELF = 16

/** A home, or what an invitation makes of one. */
export interface Announcer extends Member {
  readonly quota?: Quota | undefined
  /** Networks that it may announce. */
  readonly granted: readonly string[]
}

/** What of a LAN a home may announce, and what waits for the hub's owner. Both keep the order of the wish. */
export interface Announced {
  readonly allowed: readonly string[]
  readonly waiting: readonly string[]
}

export function announced(home: Announcer, wished: readonly string[]): Announced {
  const granted = wished.filter((prefix) => has(home, 'lan') || isGranted(home, prefix))
  const allowed = granted.slice(0, quotaOf(home).prefixes)
  return { allowed, waiting: wished.filter((prefix) => !allowed.includes(prefix)) }
}

/**
 * The networks that a join grants: those that the owner named, and where nobody named any the one that the home is on.
 * @throws {Problem} `right-missing` where the home asks for more than that.
 */
export function grantedByJoin(home: Announcer, wished: readonly string[], ownerNamed: boolean, what: string): string[] {
  const more = has(home, 'lan') ? [] : wished.filter((prefix) => !isGranted(home, prefix))
  const tooWide = more.find((prefix) => prefixLength(prefix) < SHORTEST_BY_ITSELF)
  const asked = wished.join(',')
  const byOwner = `The hub’s owner names them there: sudo homeward hub invite ${home.name} --lan ${asked}`
  if (ownerNamed && more.length > 0)
    throw new RightMissing(home.name, 'lan', what, {
      why: `the invitation is for ${home.granted.join(', ')}, and not for ${more.join(', ')}. ${byOwner}`,
    })
  if (tooWide !== undefined)
    throw new RightMissing(home.name, 'lan', what, {
      why: `${tooWide} is wider than the /${SHORTEST_BY_ITSELF} that a home may announce by itself. ${byOwner}`,
    })
  if (more.length > 1)
    throw new RightMissing(home.name, 'lan', what, {
      why: `a home may announce one network by itself, and this one asks for ${more.join(', ')}: join with --lan ${more[0] ?? ''} alone. ${byOwner}`,
    })
  return [...new Set([...home.granted, ...wished])].sort()
}

function isGranted({ granted }: Announcer, prefix: string): boolean {
  return granted.some((outer) => contains(outer, prefix))
}
