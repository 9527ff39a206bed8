import { Problem } from '../../problems/problem.ts'
import { type Gift, readGift } from '../rights/gift.ts'
import type { InviteContext } from './invitation.ts'
import { checkLan, occupiedFor, sortedLan } from './lan.ts'
import { type Change, grantedTo, homeNamed, isOpen, type StoreDocument } from './store-document.ts'

/**
 * Gives a home other rights and quotas, and those who are only invited to it.
 * @throws {Problem} `home-missing`, `wrong-usage`.
 */
export function give(document: StoreDocument, name: string, gift: Gift, now: Date): Change<null> {
  const what = `changing what the home ${JSON.stringify(name)} may do`
  const home = homeNamed(document, name)
  const invite = document.invites.find((one) => one.home === name && isOpen(one, now))
  if (home === null && invite === undefined) throw noHome(name, what)
  const homes = document.homes.map((one) => (one === home ? { ...one, ...readGift(one, gift, what) } : one))
  const invites = document.invites.map((one) => (one === invite ? { ...one, ...readGift(one, gift, what) } : one))
  return [{ ...document, homes, invites }, null]
}

/**
 * Lets a home announce a LAN, which is its LAN from now on.
 * @throws {Problem} `home-missing`, `lan-overlaps`, `prefix-invalid`.
 */
export function grantLan(
  document: StoreDocument,
  name: string,
  lan: readonly string[],
  { network, own, now }: InviteContext,
): Change<null> {
  const what = `giving the home ${name} the LAN ${lan.join(', ')}`
  const home = homeNamed(document, name)
  if (home === null) throw noHome(name, what)
  checkLan(lan, lan, occupiedFor(name, document, network, own, now), what)
  const granted = sortedLan([...grantedTo(home), ...lan])
  const changed = { ...home, granted, lan: sortedLan(lan) }
  return [{ ...document, homes: document.homes.map((one) => (one === home ? changed : one)) }, null]
}

function noHome(name: string, what: string): Problem {
  return new Problem('home-missing', { what, why: `the hub has no home ${name}` })
}
