import { runCommand } from '../../system/process/run-command.ts'
import { parsePublicKey, type PrivateKey, type PublicKey } from '../../wireguard/keys.ts'

/** Derives the public half by wg, since the curve would cost the agent 13 MB. @throws {Problem} when wg cannot be run. */
export async function publicKeyByWg(privateKey: PrivateKey, signal: AbortSignal): Promise<PublicKey> {
  const { stdout } = await runCommand('wg', ['pubkey'], { input: `${privateKey}\n`, signal })
  return parsePublicKey(stdout)
}
