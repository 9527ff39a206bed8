import type { RegisterRequest } from '../../protocol/messages.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { InviteContext } from './invitation.ts'
import { refuseTakenKey } from './joining.ts'
import { checkLan, occupiedFor, sortedLan } from './lan.ts'
import { type Change, type Home, type StoreDocument, stillHome } from './store-document.ts'

/**
 * Takes what a home says of itself. Nearly always the hub knows it already, and nothing is written.
 * @throws {Problem} `home-unknown`, `lan-overlaps`, `prefix-invalid`, `request-invalid`.
 */
export function register(
  document: StoreDocument,
  caller: Home,
  request: Pick<RegisterRequest, 'publicKey' | 'nextPublicKey' | 'lan' | 'mtu' | 'keeps'> &
    Partial<Pick<RegisterRequest, 'exit' | 'follows' | 'triesKeep' | 'outgoing'>>,
  hubPublicKey: PublicKey,
  { network, own, now }: InviteContext,
): Change<Home> {
  const what = `registering the home ${caller.name}`
  const home = stillHome(document, caller, what)
  const lan = sortedLan(request.lan)
  const publicKey = request.nextPublicKey ?? request.publicKey
  const sameLan = lan.join() === home.lan.join()
  const keeps = sortedLan(request.keeps ?? [])
  const sameKeeps = keeps.join() === (home.keeps ?? []).join()
  const sameExit = (request.exit ?? false) === (home.exit ?? false)
  const triesKeep = request.triesKeep === true
  const follows = request.follows === true
  const sameFollows = follows === (home.follows ?? false)
  const outgoing = request.outgoing === undefined ? undefined : request.outgoing !== null
  const same =
    outgoing === home.outgoing &&
    sameFollows &&
    sameLan &&
    sameKeeps &&
    triesKeep === (home.triesKeep ?? false) &&
    sameExit &&
    publicKey === home.publicKey &&
    request.mtu === (home.mtu ?? null)
  if (same) return [document, home]
  if (!sameLan) checkLan(lan, home.lan, occupiedFor(home.name, document, network, own, now), what)
  refuseTakenKey(document, publicKey, home.name, hubPublicKey, what)
  const { mtu: _, keeps: __, exit: ___, follows: ____, triesKeep: _____, outgoing: ______, ...rest } = home
  const mtu = request.mtu === null ? {} : { mtu: request.mtu }
  const exit = request.exit === true ? ({ exit: true } as const) : {}
  const changed: Home = {
    ...rest,
    publicKey,
    lan,
    ...mtu,
    ...exit,
    ...(keeps.length === 0 ? {} : { keeps }),
    ...(triesKeep ? { triesKeep } : {}),
    ...(follows ? { follows } : {}),
    ...(outgoing === undefined ? {} : { outgoing }),
  }
  return [{ ...document, homes: document.homes.map((other) => (other.name === home.name ? changed : other)) }, changed]
}
