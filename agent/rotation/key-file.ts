import { Problem, reasonOf } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import type { Mutex } from '../../system/process/mutex.ts'
import type { Log } from '../../system/process/log.ts'
import { runCommand } from '../../system/process/run-command.ts'
import { sleep } from '../../system/time/sleep.ts'
import { parsePrivateKey, type PrivateKey, type PublicKey } from '../../wireguard/keys.ts'
import { keyMakerOf } from '../secrets/key-maker.ts'
import { keepRotatedKey, privateKeyFileOf, rotatedKeyPath } from '../secrets/rotated-key.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { publicKeyByWg } from './public-key-by-wg.ts'

/**
 * `whole`: the file of the tunnel's key has it. `restored`: it had not, and was written again. `damaged`: it has not, and
 * could not be: the tunnel lives until its interface must be made again.
 */
export type KeyFileState = 'whole' | 'restored' | 'damaged'

/** Looks now and then whether a tunnel could be made again: a card that fails does so without a word. */
export interface KeyFileWatch {
  readonly state: () => KeyFileState
  /** What status says of it. */
  readonly warnings: () => readonly string[]
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface KeyFileDeps {
  readonly paths: Pick<AgentPaths, 'configDir' | 'stateDir'>
  readonly config: () => TunnelConfig
  /** agent.yaml's key, whatever the tunnel has now. */
  readonly joined: () => PublicKey
  /** Rotations hold it: they change which key is the tunnel's. */
  readonly registrationMutex: Mutex
  readonly log: Log
}

const EVERY_MS = 3_600_000
const LOOK_MS = 10_000

export function makeKeyFileWatch({ paths, config, joined, registrationMutex, log }: KeyFileDeps): KeyFileWatch {
  let state: KeyFileState = 'whole'
  /** What of it is said. */
  let said: string | null = null

  async function look(): Promise<void> {
    const { interface: name, publicKey, router } = config()
    if (keyMakerOf(router) === 'router') return
    const signal = AbortSignal.timeout(LOOK_MS)
    if (router.kind === 'linux')
      note(await checkKeyFile(paths, { name, publicKey, joined: joined() }, log, signal), LOST)
    else {
      const why = await whyNoKey(paths, publicKey)
      note(why === null ? 'whole' : 'damaged', why)
    }
  }

  function note(found: KeyFileState, lost: string | null): void {
    // Once restored it stays said until the agent is started again: a card that lost one file may lose others.
    if (found === 'whole' && state === 'restored') return
    if (found === 'restored') log.warn(RESTORED)
    if (found === 'damaged' && state !== 'damaged') log.error({ publicKey: config().publicKey }, lost ?? LOST)
    state = found
    said = { whole: null, restored: RESTORED, damaged: lost }[found]
  }

  return {
    state: () => state,
    warnings: () => (said === null ? [] : [said]),
    run: async (signal) => {
      while (!signal.aborted) {
        await registrationMutex
          .runExclusive(look, signal)
          .catch((thrown: unknown) => log.warn({ why: reasonOf(thrown) }, 'the file of the key could not be looked at'))
        await sleep(EVERY_MS, signal)
      }
    },
  }
}

const RESTORED =
  'the file of the tunnel’s private key was damaged, and was written again from the running tunnel: the card or disk of this machine may be failing'
const LOST =
  'the file of the tunnel’s private key is damaged, and could not be written again: the tunnel ends when this machine is started again. Look whether its card or disk is full, read-only or failing (the log says what was tried); once it can be written, homeward puts the key back within the hour'

/**
 * What to say of a file that holds no private key, or one that others may read; null: nothing. For an OpenWrt router, which
 * is given the file's key and cannot be asked for it.
 */
export async function whyNoKey({ configDir, stateDir }: KeyFileDeps['paths'], key: PublicKey): Promise<string | null> {
  const file = privateKeyFileOf(configDir, stateDir, key)
  try {
    parsePrivateKey(await readSecretFile(file))
    return null
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === 'secret-exposed') return thrown.message
    // What the file holds instead is not repeated: it may be most of a key.
    const why = thrown instanceof Problem ? thrown.why : 'it holds no key'
    return `the tunnel’s private key is lost from ${file} (${why}): the router has it still, and homeward could not set the tunnel up again. Let the home join again: on the hub homeward hub invite HOME, then here sudo homeward join --again TOKEN`
  }
}

/**
 * Compares the key's file with the key, and writes it again where the interface has it still. It goes to the state
 * folder, as a rotated key does, since the service may not write its settings.
 */
async function checkKeyFile(
  { configDir, stateDir }: KeyFileDeps['paths'],
  { name, publicKey, joined }: { readonly name: string; readonly publicKey: PublicKey; readonly joined: PublicKey },
  log: Log,
  signal: AbortSignal,
): Promise<KeyFileState> {
  const kept = await readSecretFile(privateKeyFileOf(configDir, stateDir, publicKey)).catch(() => '')
  if ((await publicHalf(kept, signal)) === publicKey) return 'whole'
  // The key comes by standard output and goes to wg by standard input: it is never an argument.
  const running = await runCommand('wg', ['show', name, 'private-key'], { signal }).then(
    ({ stdout }) => stdout,
    () => '',
  )
  if ((await publicHalf(running, signal)) !== publicKey) {
    log.error({ interface: name }, 'the interface has not the tunnel’s key')
    return 'damaged'
  }
  try {
    await writeFileAtomic(rotatedKeyPath(stateDir, publicKey), `${running.trim()}\n`)
    await keepRotatedKey(stateDir, { schema: 1, joined, publicKey, madeBy: 'agent' })
    return 'restored'
  } catch (thrown) {
    log.error({ why: reasonOf(thrown) }, 'the tunnel’s key could not be written again')
    return 'damaged'
  }
}

/** The public half; null: the text is no private key. @throws {Problem} when wg cannot be run. */
async function publicHalf(text: string, signal: AbortSignal): Promise<PublicKey | null> {
  let key: PrivateKey
  try {
    key = parsePrivateKey(text)
  } catch {
    return null
  }
  return await publicKeyByWg(key, signal)
}
