import type * as v from 'valibot'
import { askRegistrar } from '../agent/ask-registrar.ts'
import { firstHub, readAgentConfig } from '../agent/config.ts'
import { readBearer } from '../agent/secrets.ts'
import { AddDeviceAnswer, DeviceList, Done, PROTOCOL_VERSION } from '../protocol/messages.ts'
import type { Call } from '../protocol/registrar-client.ts'
import type { Context } from './context.ts'
import type { DeviceSide } from './device-side.ts'

/** Devices of this home, through the registrar of its hub. @throws {Problem} `config-*`, `secret-exposed`. */
export async function homeSide(context: Context): Promise<DeviceSide> {
  const config = await readAgentConfig(context.configDir)
  const hub = firstHub(config)
  const bearer = await readBearer(context.configDir, config.home)

  const places = { hosts: hub.addresses, port: hub.port, certificate: hub.certificate }
  const ask = async <const Schema extends v.GenericSchema>(call: Call<Schema>): Promise<v.InferOutput<Schema>> =>
    (await askRegistrar(places, { ...call, bearer })).answer

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
