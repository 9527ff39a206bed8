import { readFile } from 'node:fs/promises'
import { Problem } from '../../problems/problem.ts'

/** CAP_NET_ADMIN of linux/capability.h, as a bit of `CapEff` in proc_pid_status(5). */
const NET_ADMIN = 1n << 12n

/** Requires CAP_NET_ADMIN: root is neither enough (container) nor needed (service). @throws {Problem} `no-root`. */
export async function requireNetAdmin(what: string): Promise<void> {
  const status = await readFile('/proc/self/status', 'utf8')
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  if ((BigInt(`0x${effective}`) & NET_ADMIN) === 0n)
    throw new Problem('no-root', { what, why: 'it takes root, or the capability CAP_NET_ADMIN' })
}
