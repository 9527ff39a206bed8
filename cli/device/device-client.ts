import type { DeviceRequest, DeviceRotation } from '../../hub/service/hub.ts'
import { AddDeviceAnswer, DeviceList, Done, PROTOCOL_VERSION, RotateDeviceAnswer } from '../../protocol/messages.ts'
import type { Context } from '../context.ts'
import { askThisHub } from '../side/hub-session.ts'
import { homeClient, ownRole } from '../side/own-role.ts'

/** The keeper of devices: the hub, asked as its owner or as one of its homes. */
export interface DeviceClient {
  readonly add: (request: DeviceRequest) => Promise<AddDeviceAnswer>
  readonly rotate: (request: DeviceRotation) => Promise<RotateDeviceAnswer>
  readonly list: () => Promise<DeviceList>
  readonly remove: (name: string) => Promise<void>
}

/** @throws {Problem} `config-missing` when this machine is neither a home nor a hub; `config-*`, `secret-exposed`. */
export async function deviceClient(context: Context): Promise<DeviceClient> {
  return (await ownRole(context)) === 'home' ? await asHome(context) : asHub(context)
}

/** Devices of this home, through the registrar of its hub. */
async function asHome(context: Context): Promise<DeviceClient> {
  const { ask } = await homeClient(context)
  return {
    add: (request) =>
      ask({
        what: `adding the device ${request.name}`,
        method: 'POST',
        path: '/v1/devices',
        body: { version: PROTOCOL_VERSION, ...request },
        answer: AddDeviceAnswer,
      }),
    rotate: ({ name, ...keys }) =>
      ask({
        what: `rotating the key of the device ${name}`,
        method: 'POST',
        path: `/v1/devices/${encodeURIComponent(name)}/key`,
        body: { version: PROTOCOL_VERSION, ...keys },
        answer: RotateDeviceAnswer,
      }),
    list: () => ask({ what: 'listing the devices', method: 'GET', path: '/v1/devices', answer: DeviceList }),
    remove: async (name) => {
      await ask({
        what: `removing the device ${name}`,
        method: 'DELETE',
        path: `/v1/devices/${encodeURIComponent(name)}`,
        answer: Done,
      })
    },
  }
}

/** Devices of this hub, by its owner. */
function asHub(context: Context): DeviceClient {
  return {
    add: async (request) => (await askThisHub(context, 'device-add', request)).answer,
    rotate: async (request) => (await askThisHub(context, 'device-rotate', request)).answer,
    list: async () => (await askThisHub(context, 'device-list', null)).answer,
    remove: async (name) => {
      await askThisHub(context, 'device-remove', { name })
    },
  }
}
