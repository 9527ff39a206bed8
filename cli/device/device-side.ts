import type { DeviceRequest } from '../../hub/service/hub.ts'
import type { AddDeviceAnswer, DeviceList } from '../../protocol/messages.ts'
import type { Context } from '../context.ts'
import { ownSide } from '../side/own-side.ts'

/** Who keeps the devices: the hub, asked as its owner or as one of its homes. */
export interface DeviceSide {
  readonly add: (request: DeviceRequest) => Promise<AddDeviceAnswer>
  readonly list: () => Promise<DeviceList>
  readonly remove: (name: string) => Promise<void>
}

/** @throws {Problem} `config-missing` when this machine is neither a home nor a hub. */
export async function deviceSide(context: Context): Promise<DeviceSide> {
  if ((await ownSide(context)) === 'home') {
    const { homeSide } = await import('../device-home.ts')
    return await homeSide(context)
  }
  const { hubSide } = await import('../device-hub.ts')
  return hubSide(context)
}
