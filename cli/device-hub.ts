import type { Context } from './context.ts'
import type { DeviceSide } from './device/device-side.ts'
import { askThisHub } from './side/hub-session.ts'

/** Devices of this hub, by its owner. */
export function hubSide(context: Context): DeviceSide {
  return {
    add: async (request) => (await askThisHub(context, 'device-add', request)).answer,
    list: async () => (await askThisHub(context, 'device-list', null)).answer,
    remove: async (name) => {
      await askThisHub(context, 'device-remove', { name })
    },
  }
}
