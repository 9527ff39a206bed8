import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { runCommand, tryCommand } from '../../system/process/run-command.ts'
import type { Replies } from './convert.ts'
import { TABLE } from './firewall/mark.ts'

const [FAMILY = '', NAME = ''] = TABLE.split(' ')

/**
 * Reads our table with all its content. Without published ports, where they are so many that nft does not list them in
 * time: the rules that keep homes apart do not wait for them.
 */
export async function readTable(signal: AbortSignal): Promise<Pick<Replies, 'table' | 'isWithoutPorts'>> {
  const args = ['-j', 'list', 'table', FAMILY, NAME]
  try {
    const { exitCode, stdout, stderr } = await tryCommand('nft', args, { signal })
    if (exitCode === 0) return { table: stdout, isWithoutPorts: false }
    if (stderr.includes('No such file or directory')) return { table: null, isWithoutPorts: false }
    throw new Problem('command-failed', { what: ['nft', ...args].join(' '), why: stderr.trim() })
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof Problem) || thrown.code !== 'command-timeout') throw thrown
    return { table: await readWithoutPorts(signal), isWithoutPorts: true }
  }
}

const Listing = v.object({ nftables: v.array(v.record(v.string(), v.unknown())) })
const AddressSet = v.object({ name: v.string(), type: v.literal('ipv4_addr'), timeout: v.optional(v.undefined()) })
const Ours = v.object({ family: v.literal(FAMILY), table: v.literal(NAME) })

/** Lists all tables, for which nft leaves out what sets hold and is quick; for a single one it reads that (1.0.6). */
async function readWithoutPorts(signal: AbortSignal): Promise<string | null> {
  const { stdout } = await runCommand('nft', ['-j', '-t', 'list', 'ruleset'], { signal })
  const all = v.parse(Listing, JSON.parse(stdout)).nftables
  const isThere = all.some((one) => v.is(v.object({ family: v.literal(FAMILY), name: v.literal(NAME) }), one['table']))
  if (!isThere) return null
  const ours = all.filter((one) => Object.values(one).some((value) => v.is(Ours, value)))
  const nftables = await Promise.all(
    ours.map(async (one) => {
      const set = v.safeParse(AddressSet, one['set'])
      return set.success ? { set: await readSet(set.output.name, signal) } : one
    }),
  )
  return JSON.stringify({ nftables })
}

async function readSet(name: string, signal: AbortSignal): Promise<unknown> {
  const { stdout } = await runCommand('nft', ['-j', 'list', 'set', FAMILY, NAME, name], { signal })
  return v.parse(Listing, JSON.parse(stdout)).nftables.find((one) => one['set'] !== undefined)?.['set']
}
