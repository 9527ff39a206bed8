import { randomBytes } from 'node:crypto'
import { signSuccession } from '../../protocol/succession.ts'
import { type PublicKey, privateKeyFrom } from '../../wireguard/keys.ts'
import { publicKeyOf } from '../../wireguard/public-key.ts'
import { type HandOver, type NextIdentity, noHandOver } from '../core/hand-over.ts'
import { fingerprintOf, makeCertificate } from './certificate.ts'
import { type Identity, identityIn } from './identity.ts'
import { type IdentityFiles, identityFiles, removeOtherIdentities, writeIdentityFiles } from './identity-files.ts'
import { readHandOver, writeHandOver } from './kept-hand-over.ts'
import type { HubPaths } from './paths.ts'

/** The hub's identity in force. Read it whenever it is needed: a hand-over changes it under a running hub. */
export interface OwnIdentity extends Identity {
  /** WireGuard's public key in the settings folder, which the hub had first. */
  readonly firstKey: PublicKey
  readonly files: IdentityFiles
  readonly handOver: HandOver
  /**
   * Makes the keys of another identity and signs the hand-over to it. They are on disk before anybody hears of them, and
   * nobody's until `keep` names them. @throws {Problem} `write-failed`.
   */
  readonly draft: (addresses: readonly string[]) => Promise<NextIdentity>
  /** Makes a document the one that counts, and the identity that it names as present the one in force. @throws {Problem} `write-failed`. */
  readonly keep: (handOver: HandOver) => Promise<void>
  /** Calls `changed` after each change of the identity in force. */
  readonly onChange: (changed: () => void) => void
}

/** @throws {Problem} `config-unreadable`, `secret-exposed`, `config-invalid`. */
export async function openIdentity(paths: HubPaths): Promise<OwnIdentity> {
  const listeners: (() => void)[] = []
  const found = await readHandOver(paths)
  let current = await identityIn(filesOf(found))
  let handOver = found ?? noHandOver({ certificate: current.fingerprint, publicKey: current.publicKey })

  function filesOf(of: HandOver | null): IdentityFiles {
    return identityFiles(paths, of?.present?.certificate ?? null)
  }

  return {
    get publicKey() {
      return current.publicKey
    },
    get tls() {
      return current.tls
    },
    get fingerprint() {
      return current.fingerprint
    },
    get fromCopies() {
      return current.fromCopies
    },
    get files() {
      return filesOf(handOver)
    },
    get firstKey() {
      return handOver.replaces.publicKey
    },
    get handOver() {
      return handOver
    },
    draft: async (addresses) => {
      const privateKey = privateKeyFrom(randomBytes(32))
      const tls = makeCertificate(addresses)
      const next = { certificate: fingerprintOf(tls.certificate), publicKey: publicKeyOf(privateKey) }
      await removeOtherIdentities(paths, [handOver.present?.certificate, handOver.next?.certificate])
      await writeIdentityFiles(paths, next.certificate, {
        privateKey: `${privateKey}\n`,
        tlsKey: tls.key,
        certificate: tls.certificate,
      })
      return { ...next, succession: signSuccession(current.tls, { ...tls, publicKey: next.publicKey }) }
    },

    keep: async (next) => {
      // Read first: a document that names keys which cannot be read must not count.
      const identity = await identityIn(filesOf(next))
      await writeHandOver(paths, next)
      const isOther = identity.fingerprint !== current.fingerprint
      handOver = next
      current = identity
      await removeOtherIdentities(paths, [next.present?.certificate, next.next?.certificate])
      if (isOther) for (const changed of listeners) changed()
    },

    onChange: (changed) => void listeners.push(changed),
  }
}
