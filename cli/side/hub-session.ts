import { askHub, askHubDaemon, type Asked, type HubVerb, type HubVerbs } from '../../hub/control.ts'
import { type AdapterMaker, nobody, openHub } from '../../hub/open.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { makeLog } from '../../system/process/log.ts'
import { refuseOnOther } from './other-machine.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'

/**
 * Asks this machine's hub: the daemon, or without one the hub opened in this process for one command.
 * @throws {Problem} the hub's own, or `no-root`.
 */
export async function askThisHub<Verb extends HubVerb>(
  context: Context,
  verb: Verb,
  input: HubVerbs[Verb]['input'],
): Promise<Asked<Verb>> {
  const paths = hubPaths(context)
  await refuseOnOther('hub', context, 'asking the hub')
  return await orNoRoot(() =>
    askHub(paths.socket, verb, input, async () => {
      const log = makeLog('hub')
      // Standard output is the command's answer here; failures come back as a problem.
      log.level = 'silent'
      // Only the built command has a version.
      const { version } = await import('../version.ts')
      return await openHub(paths, await loadAdapter(), version, log, nobody)
    }),
  )
}

/** Asks this machine's hub only while its daemon runs; null: none does. @throws {Problem} the hub's own, or `no-root`. */
export async function askRunningHub<Verb extends HubVerb>(
  context: Context,
  verb: Verb,
  input: HubVerbs[Verb]['input'],
): Promise<HubVerbs[Verb]['answer'] | null> {
  return await orNoRoot(() => askHubDaemon(hubPaths(context).socket, verb, input))
}

/** Loads the adapter when it is needed: most verbs only ask the daemon. */
export async function loadAdapter(): Promise<AdapterMaker> {
  const { linuxAdapter } = await import('../../adapters/linux/linux.ts')
  return linuxAdapter
}
