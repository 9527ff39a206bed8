import { followedLan, isLanOf } from '../../lan/lan-warnings.ts'
import { readOwnNetworks } from '../../lan/local-networks.ts'
import { reasonOf } from '../../../problems/problem.ts'
import type { Log } from '../../../system/process/log.ts'
import { keepFollowedLan } from '../../settings/followed-lan.ts'
import type { Settings } from './settings.ts'

/**
 * Takes the LAN that this machine is in now, where agent.yaml says `auto`. A router's is the same, where the router is in
 * it: with other numbers its address in agent.yaml is another too. Never throws.
 */
export async function followLan(settings: Settings, stateDir: string, log: Log): Promise<void> {
  const { lan, hub, router, interface: name } = settings.current
  if (lan.auto !== true) return
  const prefix = followedLan(hub.network, await readOwnNetworks(name))
  if (prefix === null || lan.prefixes.join() === prefix || !isLanOf(router, prefix)) return
  log.info({ before: lan.prefixes, prefix }, 'the LAN is followed')
  settings.takeLan([prefix])
  await keepFollowedLan(stateDir, [prefix]).catch((thrown: unknown) =>
    log.warn({ why: reasonOf(thrown) }, 'the LAN that is followed could not be written down'),
  )
}
