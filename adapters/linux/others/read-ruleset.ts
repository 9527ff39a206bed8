import * as v from 'valibot'
import { Problem, reasonOf } from '../../../problems/problem.ts'
import { runLook } from '../../../system/process/look.ts'
import { parseNative } from './native-firewall.ts'
import { refusalIn } from './native-probe.ts'

/** The ruleset of nftables as JSON, or why nft does not tell. */
export type Ruleset = { readonly listed: string } | { readonly refused: string }

const Listing = v.object({ nftables: v.array(v.looseObject({})) })
const Chain = v.object({ chain: v.object({ family: v.string(), table: v.string(), name: v.string() }) })

/** Reads all tables without the elements of sets and maps, which may be many. @throws {Problem} `tool-missing`. */
export async function readRuleset(signal: AbortSignal): Promise<Ruleset> {
  try {
    const whole = await list(['ruleset'], signal)
    const listed = objectsIn(whole) === null ? await listedByChains(signal) : whole
    parseNative(listed)
    return { listed }
  } catch (thrown) {
    signal.throwIfAborted()
    // Without nft there is no table of ours either.
    if (thrown instanceof Problem && thrown.code === 'tool-missing') throw thrown
    return { refused: refusalIn(reasonOf(thrown)) }
  }
}

/**
 * The same put together from tables, or from the chains of a table that cannot be listed: for the flags of a table with an
 * owner nft 1.0.6 writes what its memory holds behind its list of names, and ends there, with status 0, where that is no
 * text. Chains are listed without their table.
 */
async function listedByChains(signal: AbortSignal): Promise<string> {
  const chains = (await objectsOf(['chains'], signal)).flatMap((one) => (v.is(Chain, one) ? [one.chain] : []))
  const objects: unknown[] = []
  for (const table of new Set(chains.map((chain) => `${chain.family} ${chain.table}`))) {
    const listed = objectsIn(await list(['table', ...table.split(' ')], signal))
    const its = listed === null ? chains.filter((chain) => `${chain.family} ${chain.table}` === table) : []
    objects.push(...(listed ?? []))
    for (const chain of its) objects.push(...(await objectsOf(['chain', ...table.split(' '), chain.name], signal)))
  }
  return JSON.stringify({ nftables: objects })
}

/** @throws {Problem} `command-failed`: of what is not seen nothing may be said. */
async function objectsOf(what: readonly string[], signal: AbortSignal): Promise<readonly unknown[]> {
  const objects = objectsIn(await list(what, signal))
  if (objects !== null) return objects
  throw new Problem('command-failed', { what: `nft list ${what.join(' ')}`, why: 'its list is cut off' })
}

async function list(what: readonly string[], signal: AbortSignal): Promise<string> {
  return (await runLook('nft', ['-j', '-t', 'list', ...what], { signal })).stdout
}

/** null: the text is cut off. */
function objectsIn(text: string): readonly unknown[] | null {
  try {
    return v.parse(Listing, JSON.parse(text)).nftables
  } catch {
    return null
  }
}
