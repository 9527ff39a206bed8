import { join } from 'node:path'
import { Problem } from '../../problems/problem.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import type { Context } from '../context.ts'

const CONFIG_OF = { home: 'agent.yaml', hub: 'hub.yaml' } as const

/**
 * Refuses a second role: a machine is a hub or a home. Both would have the same marks, interface and firewall table,
 * and each would remove the other's.
 * @throws {Problem} `role-taken`.
 */
export async function refuseIfAlso(role: 'home' | 'hub', context: Context, what: string): Promise<void> {
  const path = join(context.configDir, CONFIG_OF[role])
  // A plain user may not look: that root is needed is then the better answer.
  if ((await stampOf(path)) === 'gone') return
  throw new Problem('role-taken', { what, why: `this machine is a ${role} already: there is ${path}` })
}
