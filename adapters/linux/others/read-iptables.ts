import { access, readFile } from 'node:fs/promises'
import { reasonOf } from '../../../problems/problem.ts'
import { tryCommand } from '../../../system/process/run-command.ts'
import type { IptablesProgram } from '../../observation.ts'

/** The filter table as one program of iptables saved it, or why that failed. */
export type IptablesReply =
  | { readonly program: IptablesProgram; readonly saved: string }
  | { readonly program: IptablesProgram; readonly refused: string }

/** Errors of a kernel or machine without that kind: IPv6 turned off, no ip_tables, no nf_tables. */
const NONE = /Address family not supported|Table does not exist|Protocol not supported|insmod/

/**
 * Reads the filter tables of iptables. Its rules are in nf_tables or in the older ip_tables, and a machine may have
 * both, each with its own program (xtables-nft(8), xtables-legacy(8)); the program called plainly iptables comes first.
 * Where neither kind has a table, no program is started: this is looked at every few seconds.
 * @param hasNftTable whether nf_tables may hold what iptables-nft would have made there.
 */
export async function readIptables(
  family: 'iptables' | 'ip6tables',
  hasNftTable: boolean,
  signal: AbortSignal,
): Promise<readonly IptablesReply[]> {
  if (!hasNftTable && !(await hasLegacyTable(family))) return []
  const main = await save(family, signal)
  if (main === null) return []
  const other = (await isInOther(family, main, hasNftTable)) ? await save(otherProgram(family, main), signal) : null
  return other === null ? [main] : [main, other]
}

async function isInOther(family: 'iptables' | 'ip6tables', main: IptablesReply, hasNftTable: boolean) {
  return speaksNft(main) ? await hasLegacyTable(family) : hasNftTable
}

function otherProgram(family: 'iptables' | 'ip6tables', main: IptablesReply): IptablesProgram {
  return speaksNft(main) ? `${family}-legacy` : `${family}-nft`
}

/** Whether the program speaks for nf_tables. That of ip_tables prints even empty tables, old versions no kind. */
function speaksNft(reply: IptablesReply): boolean {
  return 'saved' in reply && (reply.saved.trim() === '' || reply.saved.includes('(nf_tables)'))
}

/** Whether a reply covers the filter table in nf_tables. A program does not report one that it calls incompatible. */
export function tellsOfNftTable(reply: IptablesReply): boolean {
  return 'refused' in reply || (speaksNft(reply) && /^\*filter$/m.test(reply.saved))
}

/** @returns null where there is none. */
async function save(program: IptablesProgram, signal: AbortSignal): Promise<IptablesReply | null> {
  try {
    const { exitCode, stdout, stderr } = await tryCommand(`${program}-save`, ['-t', 'filter'], { signal })
    if (exitCode === 0) return { program, saved: stdout }
    if (NONE.test(stderr)) return null
    return { program, refused: stderr.trim().split('\n').at(-1) ?? `it ended with status ${exitCode}` }
  } catch (thrown) {
    signal.throwIfAborted()
    return isMissing(thrown) ? null : { program, refused: reasonOf(thrown) }
  }
}

function isMissing(thrown: unknown): boolean {
  return (thrown as { code?: unknown } | null)?.code === 'tool-missing'
}

/**
 * Whether there is a legacy table. Asked first, since iptables-legacy-save makes the table that it is asked for. Only
 * root may read the list of existing tables; the service looks for the module, which is loaded where somebody has used
 * them.
 */
async function hasLegacyTable(family: 'iptables' | 'ip6tables'): Promise<boolean> {
  const ip = family === 'iptables' ? 'ip' : 'ip6'
  try {
    return (await readFile(`/proc/net/${ip}_tables_names`, 'utf8')).split('\n').includes('filter')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EACCES') return false
    return access(`/sys/module/${ip}table_filter`).then(
      () => true,
      () => false,
    )
  }
}
