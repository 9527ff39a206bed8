import { randomBytes } from 'node:crypto'
import type { Log } from '../../system/process/log.ts'
import { parsePublicKey } from '../../wireguard/keys.ts'
import { requireHome, sealHome } from '../core/sealing.ts'
import { hashOf } from '../core/secret.ts'
import { homeNamed } from '../core/store-document.ts'
import type { Follow } from '../machine/follow.ts'
import type { Instance } from '../presence/kept/identities.ts'
import type { Identities } from '../presence/kept/kept-identities.ts'
import type { Store } from '../store/store.ts'
import type { Homes, Invitation } from './homes.ts'
import type { Update } from './update.ts'

export interface Revocation extends Pick<Invitation, 'home' | 'token' | 'expiresAt'> {
  /** Machines that registered as the home since it joined, the last one last. */
  readonly machines: readonly Pick<Instance, 'name' | 'from' | 'since' | 'last'>[]
  /** Whether both are shut out already; else they are when one has joined again. */
  readonly cut: boolean
}

/** Lets the owner say which of two machines with one identity stays: the one that gets the token. */
export type RevokeOther = (how: {
  readonly home: string
  readonly expiresInMs: number
  /** Whether key and secret are refused at once, and not only when one joins again. */
  readonly now: boolean
}) => Promise<Revocation>

/**
 * The hub gives no machine a new secret by itself. Both have the same one, and what else tells them apart they say
 * themselves: a new secret that is given to whoever asks by the old one may go to the thief, and for good. A token that
 * the owner brings to the machine proves which one stays.
 */
export function makeRevokeOther(deps: {
  readonly store: Pick<Store, 'document'>
  readonly identities: Pick<Identities, 'machinesOf'>
  readonly update: Update
  readonly invite: Homes['invite']
  readonly machine: Pick<Follow, 'follow'>
  readonly log: Log
}): RevokeOther {
  const { store, identities, update, invite, machine, log } = deps
  return async ({ home: name, expiresInMs, now }) => {
    requireHome(store.document, name)
    const home = homeNamed(store.document, name)
    const machines = home === null ? [] : identities.machinesOf(home)
    const { token, expiresAt } = await invite({ home: name, lan: [], expiresInMs })
    if (now) {
      const nobodys = {
        publicKey: parsePublicKey(randomBytes(32).toString('base64')),
        secretHash: hashOf(randomBytes(32).toString('hex')),
      }
      await update((document) => sealHome(document, name, nobodys))
      await machine.follow(null, `the key and secret of ${name} are refused`)
      log.warn({ home: name }, 'the key and secret of a home are refused from now on')
    }
    const said = machines.map(({ name: called, from, since, last }) => ({ name: called, from, since, last }))
    return { home: name, token, expiresAt, machines: said, cut: now }
  }
}
