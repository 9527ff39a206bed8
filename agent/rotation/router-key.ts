import type { PublicKey } from '../../wireguard/keys.ts'
import { type Registering, registerHome } from '../registrar/registration.ts'
import { forgetRotatedKeys, keepRotatedKey, type RotatedKey } from '../secrets/rotated-key.ts'

/** A home whose router has another key than the hub was told: the router's interface was created again. */
export interface RouterKeyChange {
  readonly stateDir: string
  /** agent.yaml's key, whatever the tunnel has now. */
  readonly joined: PublicKey
  /** The registration, with the key that the hub knows. */
  readonly registering: Omit<Registering, 'reason' | 'nextPublicKey'>
}

/**
 * Tells the hub the key that the router made, and writes it down; a hub that does not hear it now hears it with any
 * later registration.
 * @returns the key that counts; null when it is the one from the join again.
 * @throws {Problem} `write-failed`.
 */
export async function followRouterKey(
  publicKey: PublicKey,
  { stateDir, joined, registering }: RouterKeyChange,
  signal: AbortSignal,
): Promise<RotatedKey | null> {
  // The key goes as the next one: then the hub does not speak first, to where the old interface was.
  await registerHome({ ...registering, reason: 'key-rotation', nextPublicKey: publicKey }, signal)
  const rotated: RotatedKey | null = publicKey === joined ? null : { schema: 1, joined, publicKey, madeBy: 'router' }
  if (rotated === null) await forgetRotatedKeys(stateDir)
  else await keepRotatedKey(stateDir, rotated)
  return rotated
}
