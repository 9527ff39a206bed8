import { AddDeviceAnswer, DeviceList, Done, PROTOCOL_VERSION } from '../protocol/messages.ts'
import type { Context } from './context.ts'
import type { DeviceSide } from './device/device-side.ts'
import { homeVoice } from './side/own-side.ts'

/** Devices of this home, through the registrar of its hub. @throws {Problem} `config-*`, `secret-exposed`. */
export async function homeSide(context: Context): Promise<DeviceSide> {
  const { ask } = await homeVoice(context)
  return {
    add: (request) =>
      ask({
        method: 'POST',
        path: '/v1/devices',
        body: { version: PROTOCOL_VERSION, ...request },
        answer: AddDeviceAnswer,
      }),
    list: () => ask({ method: 'GET', path: '/v1/devices', answer: DeviceList }),
    remove: async (name) => {
      await ask({ method: 'DELETE', path: `/v1/devices/${encodeURIComponent(name)}`, answer: Done })
    },
  }
}
