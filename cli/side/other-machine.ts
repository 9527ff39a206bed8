import { agentConfigPath } from '../../agent/settings/config.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { Problem } from '../../problems/problem.ts'
import { stampOf } from '../../system/files/file-stamp.ts'
import type { Context } from '../context.ts'

/**
 * Says so where a command of homes is called on the hub, or one of the hub at a home: most often somebody typed it into
 * the other window.
 * @param code what the command says where there is no home either.
 * @throws {Problem} of that code, or `hub-not-initialised`.
 */
export async function refuseOnOther(
  wanted: 'home' | 'hub',
  context: Context,
  what: string,
  code: 'agent-not-running' | 'config-missing' = 'config-missing',
): Promise<void> {
  const [home, hub] = await Promise.all([
    isSurelyThere(agentConfigPath(context.configDir)),
    isSurelyThere(hubPaths(context).config),
  ])
  if (wanted === 'home' && hub && !home)
    throw new Problem(code, {
      what,
      why: 'this machine is a hub, and that is a command of homes',
      next: 'Run it at the home. Here, homeward hub status shows what the hub sees of its homes',
    })
  if (wanted === 'hub' && home && !hub)
    throw new Problem('hub-not-initialised', {
      what,
      why: 'this machine is a home, and that is a command of the hub',
      next: 'Run it on the VPS. Here, homeward status shows the tunnel',
    })
}

/** A file that may not be looked at is none to go by. */
async function isSurelyThere(path: string): Promise<boolean> {
  return (await stampOf(path)) !== 'gone'
}
