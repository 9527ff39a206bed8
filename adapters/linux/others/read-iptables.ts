import { access, readFile } from 'node:fs/promises'
import { reasonOf } from '../../../problems/problem.ts'
import { tryCommand } from '../../../system/process/run-command.ts'
import type { IptablesProgram } from '../../observation.ts'
import { REVERSE_PATH_TABLES } from './legacy-reverse-path.ts'

/** The filter table as one program of iptables saved it, with those that mark packets where only it can tell; or why that failed. */
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
  const { tables, areAll } = await legacyTables(family)
  if (!hasNftTable && tables.length === 0 && areAll) return []
  const main = await save(family, 'filter', signal)
  if (main === null) return []
  if (speaksNft(main)) return present([main, await saveAll(`${family}-legacy`, tables, signal)])
  const others = tables.filter((table) => table !== 'filter')
  const legacy = withMore(main, await saveAll(family, others, signal))
  return present([legacy, hasNftTable ? await save(`${family}-nft`, 'filter', signal) : null])
}

function present(replies: readonly (IptablesReply | null)[]): readonly IptablesReply[] {
  return replies.flatMap((reply) => reply ?? [])
}

/** @returns null where there is none of them. */
async function saveAll(
  program: IptablesProgram,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<IptablesReply | null> {
  const replies = await Promise.all(tables.map((table) => save(program, table, signal)))
  return replies.reduce((all, one) => (all === null ? one : withMore(all, one)), null)
}

function withMore(reply: IptablesReply, more: IptablesReply | null): IptablesReply {
  if (more === null || 'refused' in reply) return reply
  return 'refused' in more ? more : { program: reply.program, saved: `${reply.saved}${more.saved}` }
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
async function save(program: IptablesProgram, table: string, signal: AbortSignal): Promise<IptablesReply | null> {
  try {
    const { exitCode, stdout, stderr } = await tryCommand(`${program}-save`, ['-t', table], { signal })
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

/** Tables of the older iptables that matter: who judges, and who drops forged sources or marks packets of the tunnel's family. */
const LEGACY_TABLES = { iptables: ['filter', ...REVERSE_PATH_TABLES], ip6tables: ['filter'] } as const

/**
 * The legacy tables that are there. Asked first, since iptables-legacy-save makes the table that it is asked for. Only
 * root may read the list of existing tables; the service looks for their modules, which are loaded where somebody has
 * used them. A kernel that has them built in has no such modules.
 * @returns also whether there are no others for certain.
 */
async function legacyTables(
  family: 'iptables' | 'ip6tables',
): Promise<{ readonly tables: readonly string[]; readonly areAll: boolean }> {
  const ip = family === 'iptables' ? 'ip' : 'ip6'
  const all: readonly string[] = LEGACY_TABLES[family]
  try {
    const there = (await readFile(`/proc/net/${ip}_tables_names`, 'utf8')).split('\n')
    return { tables: all.filter((table) => there.includes(table)), areAll: true }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EACCES') return { tables: [], areAll: true }
    const found = await Promise.all(all.map((table) => exists(`/sys/module/${ip}table_${table}`)))
    return { tables: all.filter((_, index) => found[index]), areAll: false }
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
