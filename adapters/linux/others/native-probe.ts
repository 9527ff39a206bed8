import { tryCommand } from '../../../system/process/run-command.ts'
import type { OtherFirewall } from '../../observation.ts'
import { tableOf } from './native-firewall.ts'

/**
 * Whether tables of others take rules: only the program that made it can change a table with an owner (nft(8),
 * "TABLES": owner), and firewalld's has one since 2.3. nft's `--check` lets the kernel judge a change without making
 * it.
 * @returns why not, by table as `inet firewalld`; tables that take rules are missing.
 */
export async function probeNative(
  { strict, ours }: OtherFirewall,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const chains = [...new Set([...strict, ...ours].map((one) => one.split(' ').slice(0, 3).join(' ')))]
  const refused = new Map<string, string>()
  for (const table of new Set(chains.map(tableOf))) {
    const inIt = chains.filter((chain) => tableOf(chain) === table)
    const input = inIt.map((chain) => `insert rule ${chain} accept\n`).join('')
    const { exitCode, stderr } = await tryCommand('nft', ['--check', '-f', '-'], { input, signal })
    // A table that is gone by now has not refused anything.
    if (exitCode !== 0 && !stderr.includes('No such file or directory')) refused.set(table, refusalIn(stderr))
  }
  return refused
}

/** The reason in nft's error: its first line, without the position in the text. */
export function refusalIn(said: string): string {
  return /Error: (?:Could not process rule: )?([^;\n]*)/.exec(said)?.[1]?.trim() ?? said.trim().split('\n')[0] ?? said
}
