import { asProblem } from '../../problems/problem.ts'
import type { Log } from '../../system/process/log.ts'
import type { Mutex } from '../../system/process/mutex.ts'
import { type Registering, registerHome } from '../registrar/registration.ts'
import { keepRotatedSecret, newHomeSecret, secretHash } from '../secrets/home-secret.ts'

/** A home that is well, and shall authenticate by another secret. */
export interface SecretRotation {
  readonly folders: { readonly configDir: string; readonly stateDir: string }
  /** The registration, with the key that the tunnel has now. */
  readonly registering: Omit<Registering, 'reason'>
  /** Other registrations would name the secret that another one is about to replace. */
  readonly registrationMutex: Mutex
  readonly log: Log
}

const ANSWER_MS = 10_000

/**
 * Gives the home another secret: whoever copied the old one, with a card or a backup, is nobody at the hub then. The hub
 * hears the hash of the next one and takes both from there on, until the home comes by the next, which it has written
 * down before. So whatever is cut off, the home has a secret that the hub takes. Never throws: the old one is as good.
 */
export async function rotateSecret(
  { folders, registering, registrationMutex, log }: SecretRotation,
  signal: AbortSignal,
): Promise<void> {
  try {
    await registrationMutex.runExclusive(async () => {
      const secret = newHomeSecret()
      const asking = { ...registering, reason: 'key-rotation', timeoutMs: ANSWER_MS } as const
      const { answer, problem } = await registerHome({ ...asking, nextSecretHash: secretHash(secret) }, signal)
      if (problem !== null) throw problem
      if (answer?.secretAwaited !== true) return log.info('the hub is too old to be told another secret of this home')
      await keepRotatedSecret(folders, secret)
      // If this is lost, the next registration says it.
      await registerHome(asking, signal)
      log.info('this home has a new secret')
    }, signal)
  } catch (thrown) {
    const { code, message } = asProblem(thrown, 'changing this home’s secret')
    log.warn({ code }, `${message} The old secret stays.`)
  }
}
