import type { AddDeviceAnswer, DeviceList } from '../../protocol/messages.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Log } from '../../system/process/log.ts'
import {
  addDevice,
  type Asker,
  type DeviceInput,
  expireDevices,
  isExpired,
  removeDevice,
  visibleDevices,
} from '../core/devices.ts'
import type { Follow } from '../machine/follow.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'
import type { Witness } from '../presence/witness.ts'
import { deviceAnswer, deviceEntry } from './answers.ts'
import type { Update } from './update.ts'

/** Phones and laptops: whoever asks, the machine follows before the answer. */
export interface DeviceDesk {
  readonly addDevice: (asker: Asker, request: DeviceInput) => Promise<AddDeviceAnswer>
  readonly removeDevice: (asker: Asker, name: string) => Promise<void>
  readonly listDevices: (asker: Asker) => DeviceList
  /** Cuts off those whose time is over. */
  readonly expireDevices: () => Promise<void>
}

export interface DeviceDeskParts {
  readonly settings: Pick<Settings, 'current'>
  readonly publicKey: PublicKey
  readonly store: Pick<Store, 'document'>
  readonly update: Update
  readonly machine: Pick<Follow, 'follow' | 'reconcileOrLog'>
  readonly sighting: Witness['sighting']
  readonly today: () => Date
  readonly log: Log
}

export function makeDeviceDesk(parts: DeviceDeskParts): DeviceDesk {
  const { settings, publicKey, store, update, machine, log } = parts
  return {
    addDevice: async (asker, request) => {
      const { result, changed } = await update((document, now) => addDevice(document, asker, request, publicKey, now))
      const { name, address, home } = result
      if (changed) log.info({ device: name, address, home }, 'a device was added')
      if (changed || asker === null) await machine.follow(asker, `the device ${name} is in the store`)
      return deviceAnswer(result, settings.current, publicKey, store.document.homes)
    },

    removeDevice: async (asker, name) => {
      await update((document) => removeDevice(document, asker, name))
      log.info({ device: name, home: asker?.name ?? null }, 'a device was removed')
      await machine.follow(asker, `the device ${name} is removed from the store`)
    },

    listDevices: (asker) => ({
      devices: visibleDevices(store.document, asker).map((one) => deviceEntry(one, parts.sighting(one.publicKey))),
    }),

    expireDevices: async () => {
      // Looked at each second: nothing is written when nothing is over.
      if (!store.document.devices.some((device) => isExpired(device, parts.today()))) return
      const { result } = await update((document, { now }) => expireDevices(document, now))
      for (const { name } of result) log.info({ device: name }, 'a device’s time is over: it was removed')
      await machine.reconcileOrLog()
    },
  }
}
