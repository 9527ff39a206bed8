import type { RegisterRequest } from '../../protocol/messages.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { InviteContext } from './invitation.ts'
import { refuseTakenKey } from './joining.ts'
import { checkLan, occupiedFor, sortedLan } from './lan.ts'
import { type Change, type Home, type StoreDocument, stillHome } from './store-document.ts'

/** What a home says of its machine with each registration; what it does not say is so no longer. */
const SAYINGS = ['mtu', 'keeps', 'exit', 'follows', 'triesKeep', 'outgoing'] as const
type Said = Pick<Home, (typeof SAYINGS)[number]>
type Saying = Pick<RegisterRequest, 'mtu'> & Partial<Pick<RegisterRequest, (typeof SAYINGS)[number]>>

/**
 * Takes what a home says of itself. Nearly always the hub knows it already, and nothing is written.
 * @throws {Problem} `home-unknown`, `lan-overlaps`, `prefix-invalid`, `request-invalid`.
 */
export function register(
  document: StoreDocument,
  caller: Home,
  request: Saying & Pick<RegisterRequest, 'publicKey' | 'nextPublicKey' | 'lan'>,
  hubPublicKey: PublicKey,
  { network, own, now }: InviteContext,
): Change<Home> {
  const what = `registering the home ${caller.name}`
  const home = stillHome(document, caller, what)
  const lan = sortedLan(request.lan)
  const publicKey = request.nextPublicKey ?? request.publicKey
  const sameLan = lan.join() === home.lan.join()
  const said = saidIn(request)
  if (sameLan && publicKey === home.publicKey && isSaid(said, home)) return [document, home]
  if (!sameLan) checkLan(lan, home.lan, occupiedFor(home.name, document, network, own, now), what)
  refuseTakenKey(document, publicKey, home.name, hubPublicKey, what)
  const changed: Home = { ...known(home), publicKey, lan, ...said }
  return [{ ...document, homes: document.homes.map((other) => (other.name === home.name ? changed : other)) }, changed]
}

function saidIn({ mtu, keeps = [], exit, follows, triesKeep, outgoing }: Saying): Said {
  return {
    ...(mtu === null ? {} : { mtu }),
    ...(keeps.length === 0 ? {} : { keeps: sortedLan(keeps) }),
    ...(exit === true ? { exit } : {}),
    ...(follows === true ? { follows } : {}),
    ...(triesKeep === true ? { triesKeep } : {}),
    ...(outgoing === undefined ? {} : { outgoing: outgoing !== null }),
  }
}

function isSaid(said: Said, home: Home): boolean {
  return SAYINGS.every((saying) => String(said[saying]) === String(home[saying]))
}

/** The home without what it said. */
function known(home: Home): Omit<Home, keyof Said> {
  const { mtu: _mtu, keeps: _keeps, exit: _exit, follows: _follows, triesKeep: _tries, outgoing: _out, ...rest } = home
  return rest
}
