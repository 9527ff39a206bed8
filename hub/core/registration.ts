import * as v from 'valibot'
import type { RegisterRequest } from '../../protocol/messages.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { announced } from '../rights/announcing.ts'
import type { InviteContext } from './invitation.ts'
import { refuseTakenKey } from './joining.ts'
import { checkLan, occupiedFor, sortedLan } from './lan.ts'
import { SecretHashSchema } from './secret.ts'
import { type Change, grantedTo, type Home, type StoreDocument, stillHome } from './store-document.ts'

/** What a home says of its machine with each registration; what it does not say is so no longer. */
const SAYINGS = ['mtu', 'keeps', 'exit', 'follows', 'triesKeep', 'outgoing', 'trusts'] as const
type Said = Pick<Home, (typeof SAYINGS)[number]>
type Saying = Pick<RegisterRequest, 'mtu'> & Partial<Pick<RegisterRequest, (typeof SAYINGS)[number]>>

/** A home as the hub knows it from now on, and the networks of its wish that wait for the hub's owner. */
export interface Registered {
  readonly home: Home
  readonly waiting: readonly string[]
}

/**
 * Takes what a home says of itself. Nearly always the hub knows it already, and nothing is written. A wish beyond the
 * home's rights waits, and fails nothing: a home that is refused would lose the hub's view of it, and its healing with it.
 * @throws {Problem} `home-unknown`, `lan-overlaps`, `prefix-invalid`, `request-invalid`.
 */
export function register(
  document: StoreDocument,
  caller: Home,
  request: Saying & Pick<RegisterRequest, 'publicKey' | 'nextPublicKey' | 'nextSecretHash' | 'lan'>,
  hubPublicKey: PublicKey,
  { network, own, now }: InviteContext,
): Change<Registered> {
  const what = `registering the home ${caller.name}`
  const before = stillHome(document, caller, what)
  const home = withSecrets(before, caller, request.nextSecretHash, now)
  const wished = sortedLan(request.lan)
  const granted = grantedTo(home)
  if (wished.join() !== home.lan.join())
    checkLan(wished, [...granted, ...home.lan], occupiedFor(home.name, document, network, own, now), what)
  const { allowed, waiting } = announced({ ...home, granted }, wished)
  // Of a LAN that moved as a whole the old one stays until the owner has spoken.
  const lan = allowed.length === 0 && waiting.length > 0 ? home.lan : allowed
  const publicKey = request.nextPublicKey ?? request.publicKey
  const said = saidIn(request)
  if (home === before && lan.join() === home.lan.join() && publicKey === home.publicKey && isSaid(said, home))
    return [document, { home, waiting }]
  refuseTakenKey(document, publicKey, home.name, hubPublicKey, what)
  const isRotated = request.nextPublicKey !== undefined && publicKey !== home.publicKey
  const rotated = isRotated ? { rotatedAt: now.toISOString() } : {}
  const changed: Home = { ...known(home), ...rotated, granted: [...granted], publicKey, lan: [...lan], ...said }
  const homes = document.homes.map((other) => (other.name === home.name ? changed : other))
  return [
    { ...document, homes },
    { home: changed, waiting },
  ]
}

/** The home with the secrets that count from now on: whoever comes by the next one has no other any more. */
function withSecrets(home: Home, caller: Home, next: string | undefined, now: Date): Home {
  const { nextSecretHash, ...rest } = home
  const isNext = caller.secretHash === nextSecretHash && nextSecretHash !== undefined
  const come = isNext ? { ...rest, secretHash: nextSecretHash, secretAt: now.toISOString() } : home
  if (next === undefined || next === come.secretHash || next === nextSecretHash) return come
  return { ...come, nextSecretHash: v.parse(SecretHashSchema, next) }
}

function saidIn({ mtu, keeps = [], exit, follows, triesKeep, outgoing, trusts }: Saying): Said {
  return {
    ...(mtu === null ? {} : { mtu }),
    ...(keeps.length === 0 ? {} : { keeps: sortedLan(keeps) }),
    ...(exit === true ? { exit } : {}),
    ...(follows === true ? { follows } : {}),
    ...(triesKeep === true ? { triesKeep } : {}),
    ...(outgoing === undefined ? {} : { outgoing: outgoing !== null }),
    ...(trusts === undefined ? {} : { trusts }),
  }
}

function isSaid(said: Said, home: Home): boolean {
  return SAYINGS.every((saying) => String(said[saying]) === String(home[saying]))
}

/** The home without what it said. */
function known(home: Home): Omit<Home, keyof Said> {
  const said: readonly string[] = SAYINGS
  return Object.fromEntries(Object.entries(home).filter(([field]) => !said.includes(field))) as Omit<Home, keyof Said>
}
