import { Problem, reasonOf } from '../../../problems/problem.ts'
import { runLook } from '../../../system/process/look.ts'
import { parseNative } from './native-firewall.ts'
import { refusalIn } from './native-probe.ts'

/** The ruleset of nftables as JSON, or why nft does not tell. */
export type Ruleset = { readonly listed: string } | { readonly refused: string }

/** Reads all tables without the elements of sets and maps, which may be many. @throws {Problem} `tool-missing`. */
export async function readRuleset(signal: AbortSignal): Promise<Ruleset> {
  try {
    const { stdout } = await runLook('nft', ['-j', '-t', 'list', 'ruleset'], { signal })
    parseNative(stdout)
    return { listed: stdout }
  } catch (thrown) {
    signal.throwIfAborted()
    // Without nft there is no table of ours either.
    if (thrown instanceof Problem && thrown.code === 'tool-missing') throw thrown
    return { refused: refusalIn(reasonOf(thrown)) }
  }
}
