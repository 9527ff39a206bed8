import { Problem } from '../../problems/problem.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { SecretHash } from './secret.ts'
import { type Change, homeNamed, type StoreDocument } from './store-document.ts'

/**
 * Makes a home's key and secret worth nothing, and keeps what it is: its address, devices, ports and rights. Whoever
 * joins again takes all of it over.
 * @param with_ a key and a secret that nobody has.
 * @throws {Problem} `home-missing`.
 */
export function sealHome(
  document: StoreDocument,
  name: string,
  with_: { readonly publicKey: PublicKey; readonly secretHash: SecretHash },
): Change<null> {
  requireHome(document, name)
  return [
    {
      ...document,
      homes: document.homes.map((home) =>
        home.name === name ? { ...home, ...with_, nextSecretHash: undefined } : home,
      ),
    },
    null,
  ]
}

/** @throws {Problem} `home-missing`. */
export function requireHome(document: StoreDocument, name: string): void {
  if (homeNamed(document, name) !== null) return
  throw new Problem('home-missing', { what: `revoking a machine of ${name}`, why: `the hub has no home ${name}` })
}
