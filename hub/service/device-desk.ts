import type { AddDeviceAnswer, DeviceList } from '../../protocol/messages.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Log } from '../../system/process/log.ts'
import { deviceAnswer, deviceEntry } from './answers.ts'
import type { HubConfig } from '../settings/config.ts'
import {
  addDevice,
  type Asker,
  type DeviceInput,
  expireDevices,
  isExpired,
  removeDevice,
  visibleDevices,
} from '../core/devices.ts'
import type { Circumstances } from '../core/invitation.ts'
import type { Change, StoreDocument } from '../core/store-document.ts'
import type { Store } from '../store/store.ts'
import type { Witness } from '../presence/witness.ts'

/** Phones and laptops: whoever asks, the machine follows before the answer. */
export interface DeviceDesk {
  readonly addDevice: (asker: Asker, request: DeviceInput) => Promise<AddDeviceAnswer>
  readonly removeDevice: (asker: Asker, name: string) => Promise<void>
  readonly listDevices: (asker: Asker) => DeviceList
  /** Cuts off those whose time is over. */
  readonly expireDevices: () => Promise<void>
}

export interface DeviceDeskParts {
  readonly config: () => HubConfig
  readonly publicKey: PublicKey
  readonly store: Pick<Store, 'document'>
  /** Changes the store. */
  readonly update: <Result>(
    change: (document: StoreDocument, circumstances: Circumstances) => Change<Result>,
  ) => Promise<{
    readonly result: Result
    readonly changed: boolean
  }>
  /** Brings the machine to the store. @param done what is so in the store already. */
  readonly follow: (asker: Asker, done: string) => Promise<void>
  /** The same for nobody in particular: a problem goes to the log. */
  readonly followOrLog: () => Promise<void>
  readonly sighting: Witness['sighting']
  readonly today: () => Date
  readonly log: Log
}

export function makeDeviceDesk(parts: DeviceDeskParts): DeviceDesk {
  const { config, publicKey, store, update, follow, log } = parts
  return {
    addDevice: async (asker, request) => {
      const { result, changed } = await update((document, now) => addDevice(document, asker, request, publicKey, now))
      const { name, address, home } = result
      if (changed) log.info({ device: name, address, home }, 'a device was added')
      if (changed || asker === null) await follow(asker, `the device ${name} is in the store`)
      return deviceAnswer(result, config(), publicKey, store.document.homes)
    },

    removeDevice: async (asker, name) => {
      await update((document) => removeDevice(document, asker, name))
      log.info({ device: name, home: asker?.name ?? null }, 'a device was removed')
      await follow(asker, `the device ${name} is removed from the store`)
    },

    listDevices: (asker) => ({
      devices: visibleDevices(store.document, asker).map((one) => deviceEntry(one, parts.sighting(one.publicKey))),
    }),

    expireDevices: async () => {
      // Looked at each second: nothing is written when nothing is over.
      if (!store.document.devices.some((device) => isExpired(device, parts.today()))) return
      const { result } = await update((document, { now }) => expireDevices(document, now))
      for (const { name } of result) log.info({ device: name }, 'a device’s time is over: it was removed')
      await parts.followOrLog()
    },
  }
}
