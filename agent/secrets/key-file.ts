import { reasonOf } from '../../problems/problem.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import { parsePrivateKey } from '../../wireguard/keys.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { keyMakerOf } from './key-maker.ts'
import { privateKeyFileOf } from './rotated-key.ts'

/**
 * Whether the file with the tunnel's private key still holds one: a sentence when not. A running interface does not need
 * it, and the next one, after a restart of the machine, could not be made.
 */
export async function keyFileWarnings(
  { configDir, stateDir }: Pick<AgentPaths, 'configDir' | 'stateDir'>,
  { router, interface: name, publicKey }: Pick<TunnelConfig, 'router' | 'interface' | 'publicKey'>,
): Promise<readonly string[]> {
  if (keyMakerOf(router) === 'router') return []
  const file = privateKeyFileOf(configDir, stateDir, publicKey)
  const why = await whyNoKey(file)
  if (why === null) return []
  const next =
    router.kind === 'linux'
      ? `The running tunnel still has the key: sudo sh -c 'umask 077; wg show ${name} private-key > ${file}; chown --reference=${configDir} ${file}'`
      : 'Let the home join again: on the hub homeward hub invite HOME, then here sudo homeward join --again TOKEN'
  return [
    `the tunnel’s private key is lost from ${file} (${why}): it could not be set up again after a restart. ${next}`,
  ]
}

async function whyNoKey(file: string): Promise<string | null> {
  try {
    const text = await readSecretFile(file)
    if (text === '') return 'it is empty'
    parsePrivateKey(text)
    return null
  } catch (thrown) {
    // What the file holds instead is not repeated: it may be most of a key.
    return thrown instanceof TypeError ? 'it holds no key' : reasonOf(thrown)
  }
}
