import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { Adapter } from '../../adapters/adapter.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { asProblem, Problem, reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import type { Log } from '../../system/process/log.ts'
import { privateKeyFrom, type PublicKey } from '../../wireguard/keys.ts'
import { withChangeLock } from '../settings/change-lock.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { isAnswered } from '../probes/first-answer.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { type Registering, registerHome } from '../registrar/registration.ts'
import type { Mutex } from '../../system/process/mutex.ts'
import { publicKeyByWg } from './public-key-by-wg.ts'
import {
  hasOtherKeys,
  keepRotatedKey,
  removeOtherKeys,
  type RotatedKey,
  rotatedKeyPath,
} from '../secrets/rotated-key.ts'

/** A tunnel that is up, and shall get another key. */
export interface Rotation {
  readonly paths: AgentPaths
  readonly adapter: Adapter
  /** Held inside the machine's lock: no registration may name the old key again after the hub has the new one. */
  readonly registrationMutex: Mutex
  /** agent.yaml's key, whatever the tunnel has now. */
  readonly joined: PublicKey
  /** The registration, with the key that the tunnel has now. */
  readonly registering: Omit<Registering, 'reason'>
  /** Called when the new key counts. Must not throw. */
  readonly take: (rotated: RotatedKey) => void
  readonly log: Log
}

/** How long all of a rotation may take; in a working tunnel it is a fraction of a second. */
const ROTATE_MS = 30_000
/** How long the proof may take: one lost initiation is sent again after REKEY_TIMEOUT. */
const PROVE_MS = 6_500
const EVERY_MS = 100
/** How long the registrar's answer may take: it answered a moment ago. */
const ANSWER_MS = 5_000
const LOOK_MS = 5_000

/**
 * Gives the tunnel another key, with a gap of a round trip or two: the hub changes the peer's key while it answers,
 * then the interface changes its own, which makes WireGuard shake hands at once (set_private_key of the kernel's
 * drivers/net/wireguard/netlink.c resets the time of the last initiation). An answered heartbeat proves the key, and
 * only then is it written down. Interrupted anywhere before that, the next start has the old key, and its registration
 * gives that back to the hub.
 * @throws {Problem} after going back to the old key.
 */
export async function rotateKey(rotation: Rotation): Promise<RotatedKey> {
  // The rotation has its own limit: an agent told to end finishes it first. Half of it would leave a dead tunnel.
  const signal = AbortSignal.timeout(ROTATE_MS)
  const { paths, joined, take, registrationMutex, log } = rotation
  return await withChangeLock(paths.runtimeDir, signal, () =>
    registrationMutex.runExclusive(async () => {
      const publicKey = await makeKey(paths.stateDir, signal)
      try {
        await changeAtHub(rotation, publicKey, signal)
        log.debug('the hub has the new key')
        await changeHere(rotation, publicKey, signal)
        log.debug('the interface has the new key')
        await prove(rotation.registering.config, signal)
        log.debug('the new key is proven')
        const rotated: RotatedKey = { schema: 1, joined, publicKey, madeBy: 'agent' }
        await keepRotatedKey(paths.stateDir, rotated)
        log.debug('the new key is kept')
        take(rotated)
        await removeOtherKeys(paths.stateDir, rotated)
        return rotated
      } catch (thrown) {
        await goBack(rotation, publicKey)
        throw thrown
      }
    }, signal),
  )
}

/**
 * Finishes a rotation that was interrupted. The interface gets a new key only after the hub has it: so that is the one
 * to keep. Otherwise the old one stays, and the next registration gives it back to the hub. Never throws.
 * @param kept the key that key.json names.
 */
export async function settleRotation(
  { adapter, joined, stateDir }: Pick<Rotation, 'adapter' | 'joined'> & { readonly stateDir: string },
  interfaceName: string,
  kept: RotatedKey | null,
  log: Log,
): Promise<RotatedKey | null> {
  if (!(await hasOtherKeys(stateDir, kept))) return kept
  try {
    const seen = await adapter.observe(AbortSignal.timeout(LOOK_MS))
    const publicKey = tunnelIn(seen, interfaceName)?.publicKey ?? null
    const isNew = publicKey !== null && publicKey !== (kept?.publicKey ?? joined)
    if (isNew && existsSync(rotatedKeyPath(stateDir, publicKey))) {
      const rotated: RotatedKey = { schema: 1, joined, publicKey, madeBy: 'agent' }
      await keepRotatedKey(stateDir, rotated)
      log.info({ publicKey }, 'a change of the tunnel’s key that was cut off is completed')
      await removeOtherKeys(stateDir, rotated)
      return rotated
    }
    await removeOtherKeys(stateDir, kept)
  } catch (thrown) {
    log.warn({ why: reasonOf(thrown) }, 'a change of the tunnel’s key that was cut off is undone')
  }
  return kept
}

/** Makes a key; the private half is on disk before anybody hears of the public one. */
async function makeKey(stateDir: string, signal: AbortSignal): Promise<PublicKey> {
  const privateKey = privateKeyFrom(randomBytes(32))
  const publicKey = await publicKeyByWg(privateKey, signal)
  await writeFileAtomic(rotatedKeyPath(stateDir, publicKey), `${privateKey}\n`)
  return publicKey
}

async function changeAtHub({ registering }: Rotation, publicKey: PublicKey, signal: AbortSignal): Promise<void> {
  const { answer, problem } = await registerHome(
    { ...registering, reason: 'key-rotation', nextPublicKey: publicKey, timeoutMs: ANSWER_MS },
    signal,
  )
  if (problem !== null) throw problem
  if (answer?.publicKey === publicKey && answer.view.peerKnown) return
  throw new Problem('answer-invalid', {
    what: 'giving the hub the new key',
    why: answer?.publicKey === undefined ? 'it is too old for that' : 'its WireGuard did not take the key',
  })
}

async function changeHere(
  { adapter, registering }: Rotation,
  publicKey: PublicKey,
  signal: AbortSignal,
): Promise<void> {
  await adapter.execute({ kind: 'set-private-key', interface: registering.config.interface, publicKey }, signal)
}

/** Proves the new key by heartbeats, since they are what WireGuard shakes hands for. */
async function prove(config: TunnelConfig, signal: AbortSignal): Promise<void> {
  if (await isAnswered(config, { everyMs: EVERY_MS, atMostMs: PROVE_MS }, signal)) return
  throw new Problem('tunnel-unproven', {
    what: 'changing the tunnel’s key',
    why: `no heartbeat was answered with the new key within ${PROVE_MS / 1_000} s`,
    next: 'The tunnel has its old key again; the next try is at the next time of rotateKeys',
  })
}

/** Goes back to the old key, each part whatever became of the others. The next registration tells the hub again. */
async function goBack(rotation: Rotation, publicKey: PublicKey): Promise<void> {
  const { registering, paths, log } = rotation
  const signal = AbortSignal.timeout(ROTATE_MS)
  await changeHere(rotation, registering.config.publicKey, signal).catch((thrown: unknown) => {
    const { code, message } = asProblem(thrown, 'going back to the old key')
    log.error({ code }, message)
  })
  await registerHome({ ...registering, reason: 'key-rotation', timeoutMs: ANSWER_MS }, signal)
  await rm(rotatedKeyPath(paths.stateDir, publicKey), { force: true }).catch(() => undefined)
}
