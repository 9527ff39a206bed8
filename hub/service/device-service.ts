import type { AddDeviceAnswer, DeviceList, RotateDeviceAnswer } from '../../protocol/messages.ts'
import type { Log } from '../../system/process/log.ts'
import {
  actorOf,
  addDevice,
  type Principal,
  type DeviceInput,
  isExpired,
  removeDevice,
  rotateDevice,
  type RotationInput,
  visibleDevices,
} from '../core/devices.ts'
import type { HubKeys } from '../core/device-files.ts'
import type { Device } from '../core/store-document.ts'
import type { Follow } from '../machine/follow.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'
import type { PeerMonitor } from '../presence/peer-monitor.ts'
import { deviceAnswer, deviceEntry } from './answers.ts'
import type { Update } from './update.ts'
import type { Wishes } from './wishes.ts'

/** Operations on phones and laptops: whoever asks, the machine follows before the answer. */
export interface DeviceService {
  readonly addDevice: (principal: Principal, request: DeviceInput) => Promise<AddDeviceAnswer>
  readonly removeDevice: (principal: Principal, name: string) => Promise<void>
  /** Gives a device other keys. The old one is cut off when this ends, in the midst of what it does. */
  readonly rotateDevice: (principal: Principal, request: RotationInput) => Promise<RotateDeviceAnswer>
  readonly listDevices: (principal: Principal) => DeviceList
  /** Lets the machine follow where the time of devices is over, or comes back with the clock. */
  readonly followExpiry: () => Promise<void>
}

export interface DeviceServiceDeps {
  readonly settings: Pick<Settings, 'current'>
  readonly identity: HubKeys
  readonly store: Pick<Store, 'document'>
  readonly update: Update
  readonly wishes: Pick<Wishes, 'asking'>
  readonly machine: Pick<Follow, 'follow' | 'reconcileOrLog'>
  readonly statsOf: PeerMonitor['statsOf']
  readonly today: () => Date
  readonly log: Log
}

export function makeDeviceService(deps: DeviceServiceDeps): DeviceService {
  const { settings, identity, store, update, wishes, machine, log } = deps
  const expired = (): string =>
    store.document.devices
      .filter((device) => isExpired(device, deps.today()))
      .map(({ name }) => name)
      .join()
  /** Names of devices whose time was over when the machine last followed; it begins with a look of its own. */
  let followed = expired()
  /** Runs a change that a home may lack the right for, whose keys are gone by the time that the owner gives it. */
  const changing = (principal: Principal, act: Parameters<typeof update<Device>>[0]) =>
    wishes.asking(
      principal,
      ({ right }) => ({ kind: 'right', right }),
      () => update(act, actorOf(principal)),
    )
  return {
    addDevice: async (principal, request) => {
      const { result, changed } = await changing(principal, (document, now) =>
        addDevice(document, principal, request, identity.publicKey, now),
      )
      const { name, address, home } = result
      if (changed) log.info({ device: name, address, home }, 'a device was added')
      if (changed || principal === null) await machine.follow(principal, `the device ${name} is in the store`)
      return deviceAnswer(result, settings.current, identity.publicKey, store.document.homes)
    },

    rotateDevice: async (principal, request) => {
      const { result, changed } = await changing(principal, (document, now) =>
        rotateDevice(document, principal, request, identity.publicKey, now),
      )
      const { name, home, full, exit } = result
      if (changed) log.info({ device: name, home }, 'a device has other keys')
      if (changed || (principal === null && !request.preview))
        await machine.follow(principal, `the new key of the device ${name} is in the store`)
      return {
        ...deviceAnswer(result, settings.current, identity.publicKey, store.document.homes),
        everything: full === true || exit !== undefined,
      }
    },

    removeDevice: async (principal, name) => {
      await update((document) => removeDevice(document, principal, name), actorOf(principal))
      log.info({ device: name, home: principal?.name ?? null }, 'a device was removed')
      await machine.follow(principal, `the device ${name} is removed from the store`)
    },

    listDevices: (principal) => ({
      devices: visibleDevices(store.document, principal).map((one) =>
        deviceEntry(one, deps.statsOf(one.publicKey), store.document, settings.current.network, identity, deps.today()),
      ),
    }),

    followExpiry: async () => {
      // Runs each second.
      const over = expired()
      if (over === followed) return
      log.info({ devices: over }, 'these devices have expired, and nothing is led to them any more')
      followed = over
      await machine.reconcileOrLog()
    },
  }
}
