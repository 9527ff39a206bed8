import type * as v from 'valibot'
import { firstHub, readAgentConfig } from '../agent/config.ts'
import { readBearer } from '../agent/secrets.ts'
import { Problem } from '../problems/problem.ts'
import { AddDeviceAnswer, DeviceList, Done, PROTOCOL_VERSION } from '../protocol/messages.ts'
import { type Call, callRegistrar } from '../protocol/registrar-client.ts'
import type { Context } from './context.ts'
import type { DeviceSide } from './device-side.ts'

/** Devices of this home, through the registrar of its hub. @throws {Problem} `config-*`, `secret-exposed`. */
export async function homeSide(context: Context): Promise<DeviceSide> {
  const config = await readAgentConfig(context.configDir)
  const hub = firstHub(config)
  const bearer = await readBearer(context.configDir, config.home)

  /** By whichever address answers first, in the order of the configuration. */
  async function ask<const Schema extends v.GenericSchema>(call: Call<Schema>): Promise<v.InferOutput<Schema>> {
    let failure: unknown
    for (const host of hub.addresses) {
      try {
        return await callRegistrar({ host, port: hub.port, certificate: hub.certificate }, { ...call, bearer })
      } catch (thrown) {
        if (!isOutOfReach(thrown)) throw thrown
        failure ??= thrown
      }
    }
    throw failure
  }

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

function isOutOfReach(thrown: unknown): boolean {
  return thrown instanceof Problem && (thrown.code === 'hub-unreachable' || thrown.code === 'name-unresolved')
}
