import { randomBytes } from 'node:crypto'
import { tryCommand } from '../../../system/process/run-command.ts'

/**
 * Tables of nftables that stand for a moment. They are not the process's own (nft(8), "TABLES": owner), though the kernel
 * would remove them with it: Debian 12's nft 1.0.6 prints garbage for that flag in JSON, so that whoever lists the rules
 * meanwhile, this program too, may get what cannot be read. They bear the process's number instead, and what a killed
 * process left behind goes with the next.
 */

const NAMED = /^table ((?:inet|netdev) homeward_(?:watch|visitor|hops)_(\d+)_[0-9a-f]+)$/gm
const REMOVE_MS = 10_000

/** @returns the family and a name that no other table has. */
export function passingTable(family: 'inet' | 'netdev', purpose: 'watch' | 'visitor' | 'hops', id = newId()): string {
  return `${family} homeward_${purpose}_${process.pid}_${id}`
}

export function newId(): string {
  return randomBytes(4).toString('hex')
}

/** Removes tables, and those of processes that are gone. Never throws. */
export async function removePassing(tables: readonly string[]): Promise<void> {
  const signal = AbortSignal.timeout(REMOVE_MS)
  const listed = await tryCommand('nft', ['list', 'tables'], { signal }).catch(() => null)
  const all = listed?.exitCode === 0 ? [...listed.stdout.matchAll(NAMED)] : []
  const removed = all
    .filter(([, table = '', pid]) => tables.includes(table) || !isAlive(Number(pid)))
    .map(([, table]) => `delete table ${table}\n`)
  // Each by itself: of two that remove the same, one fails.
  for (const input of removed) await tryCommand('nft', ['-f', '-'], { input, signal }).catch(() => null)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    // EPERM: it is there, and somebody else's.
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
