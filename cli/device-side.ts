import { agentConfigPath } from '../agent/config.ts'
import type { DeviceRequest } from '../hub/hub.ts'
import { hubPaths } from '../hub/paths.ts'
import { Problem } from '../problems/problem.ts'
import { isThere } from '../system/is-there.ts'
import type { AddDeviceAnswer, DeviceList } from '../protocol/messages.ts'
import type { Context } from './context.ts'

/** Who keeps the devices: the hub, asked as its owner or as one of its homes. */
export interface DeviceSide {
  readonly add: (request: DeviceRequest) => Promise<AddDeviceAnswer>
  readonly list: () => Promise<DeviceList>
  readonly remove: (name: string) => Promise<void>
}

/** @throws {Problem} `config-missing` when this machine is neither a home nor a hub. */
export async function deviceSide(context: Context): Promise<DeviceSide> {
  if (await isThere(agentConfigPath(context.configDir))) {
    const { homeSide } = await import('./device-home.ts')
    return await homeSide(context)
  }
  if (await isThere(hubPaths(context).config)) {
    const { hubSide } = await import('./device-hub.ts')
    return hubSide(context)
  }
  throw new Problem('config-missing', {
    what: 'looking for the hub',
    why: `${context.configDir} has neither agent.yaml nor hub.yaml`,
    next: 'Run this at a home that has joined, or on the hub',
  })
}
