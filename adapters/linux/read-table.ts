import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { runCommand, tryCommand } from '../../system/process/run-command.ts'
import type { Replies } from './convert.ts'
import { TABLE } from './firewall/mark.ts'
import type { Ruleset } from './others/read-ruleset.ts'

const [FAMILY = '', NAME = ''] = TABLE.split(' ')

/**
 * Reads our table with all its content. Without published ports, where they are so many that nft does not list them in
 * time: the rules that keep homes apart do not wait for them.
 * @param ruleset says enough where nothing is in our sets and maps but what packets put there, as at home.
 */
export async function readTable(
  ruleset: Ruleset,
  signal: AbortSignal,
): Promise<Pick<Replies, 'table' | 'isWithoutPorts'>> {
  const terse = 'listed' in ruleset ? oursIn(ruleset.listed) : undefined
  if (terse === null || terse?.every(isWhole) === true) return { table: textOf(terse), isWithoutPorts: false }
  const args = ['-j', 'list', 'table', FAMILY, NAME]
  try {
    const { exitCode, stdout, stderr } = await tryCommand('nft', args, { signal })
    if (exitCode === 0) return { table: stdout, isWithoutPorts: false }
    if (stderr.includes('No such file or directory')) return { table: null, isWithoutPorts: false }
    throw new Problem('command-failed', { what: ['nft', ...args].join(' '), why: stderr.trim() })
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof Problem) || thrown.code !== 'command-timeout') throw thrown
    if (terse === undefined) throw thrown
    return { table: textOf(await withAddresses(terse, signal)), isWithoutPorts: true }
  }
}

/** An object of nft's JSON, under the name of its kind (libnftables-json(5)). */
type Listed = Readonly<Record<string, unknown>>

const Listing = v.object({ nftables: v.array(v.record(v.string(), v.unknown())) })
/** Elements that packets put there go by themselves, and are nothing to compare. */
const Expiring = v.object({ timeout: v.number() })
const AddressSet = v.object({ name: v.string(), type: v.literal('ipv4_addr'), timeout: v.optional(v.undefined()) })
const Ours = v.object({ family: v.literal(FAMILY), table: v.literal(NAME) })
const OurTable = v.object({ family: v.literal(FAMILY), name: v.literal(NAME) })

/** What is in our table, as nft lists all tables: without elements, and quickly; null: there is none. */
function oursIn(listed: string): readonly Listed[] | null {
  const all = v.parse(Listing, JSON.parse(listed)).nftables
  const isThere = all.some((one) => v.is(OurTable, one['table']))
  return isThere ? all.filter((one) => Object.values(one).some((value) => v.is(Ours, value))) : null
}

/** Whether the terse listing leaves out nothing of it. */
function isWhole(one: Listed): boolean {
  const holder = one['set'] ?? one['map']
  return holder === undefined || v.is(Expiring, holder)
}

function textOf(ours: readonly Listed[] | null): string | null {
  return ours === null ? null : JSON.stringify({ nftables: ours })
}

/** The same with the elements of sets of addresses; for a single table nft reads those of all sets (1.0.6). */
async function withAddresses(ours: readonly Listed[], signal: AbortSignal): Promise<readonly Listed[]> {
  return await Promise.all(
    ours.map(async (one) => {
      const set = v.safeParse(AddressSet, one['set'])
      return set.success ? { set: await readSet(set.output.name, signal) } : one
    }),
  )
}

async function readSet(name: string, signal: AbortSignal): Promise<unknown> {
  const { stdout } = await runCommand('nft', ['-j', 'list', 'set', FAMILY, NAME, name], { signal })
  return v.parse(Listing, JSON.parse(stdout)).nftables.find((one) => one['set'] !== undefined)?.['set']
}
