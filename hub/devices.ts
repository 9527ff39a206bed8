import * as v from 'valibot'
import { Problem } from '../problems/problem.ts'
import type { AddDeviceRequest } from '../protocol/messages.ts'
import { NameSchema } from '../protocol/names.ts'
import type { PublicKey } from '../wireguard/keys.ts'
import type { Circumstances } from './invitation.ts'
import { refuseTakenKey } from './joining.ts'
import { type Change, type Device, type Home, type StoreDocument, stillHome, takenAddresses } from './store-document.ts'
import { nextFreeAddress } from './tunnel-network.ts'

/** Who asks: a home, or null for the hub's owner. */
export type Asker = Home | null

/**
 * Adds a device. Asked again with the same keys it answers the same, since the first answer may have been lost.
 * @throws {Problem} `home-unknown`, `device-name-invalid`, `device-exists`, `network-full`, `request-invalid`.
 */
export function addDevice(
  document: StoreDocument,
  asker: Asker,
  { name, publicKey, presharedKey }: Pick<AddDeviceRequest, 'name' | 'publicKey' | 'presharedKey'>,
  hubPublicKey: PublicKey,
  { network, now }: Circumstances,
): Change<Device> {
  const what = `adding the device ${JSON.stringify(name)}`
  refuseOddName(name, what)
  const home = nameOf(document, asker, what)
  const known = document.devices.find((device) => device.name === name)
  if (known?.home === home && known.publicKey === publicKey && known.presharedKey === presharedKey)
    return [document, known]
  if (known !== undefined)
    throw new Problem('device-exists', { what, why: `there is one of that name, added at ${known.addedAt}` })
  refuseTakenKey(document, publicKey, null, hubPublicKey, what)
  const device: Device = {
    name,
    address: nextFreeAddress(network, takenAddresses(document, now), what),
    publicKey,
    presharedKey,
    home,
    addedAt: now.toISOString(),
  }
  return [{ ...document, devices: [...document.devices, device] }, device]
}

/** A home removes those it added, the hub's owner removes any. @throws {Problem} `device-missing`, `device-name-invalid`. */
export function removeDevice(document: StoreDocument, asker: Asker, name: string): Change<Device> {
  const what = `removing the device ${JSON.stringify(name)}`
  refuseOddName(name, what)
  const home = nameOf(document, asker, what)
  const device = document.devices.find((one) => one.name === name && (home === null || one.home === home))
  if (device === undefined)
    throw new Problem('device-missing', {
      what,
      why: home === null ? 'the hub has none of that name' : `the home ${home} added none of that name`,
    })
  return [{ ...document, devices: document.devices.filter((other) => other !== device) }, device]
}

/** A home sees its own and the hub's, the hub's owner sees all. */
export function visibleDevices(document: StoreDocument, asker: Asker): readonly Device[] {
  return document.devices.filter(({ home }) => asker === null || home === null || home === asker.name)
}

function nameOf(document: StoreDocument, asker: Asker, what: string): string | null {
  return asker === null ? null : stillHome(document, asker, what).name
}

function refuseOddName(name: string, what: string): void {
  if (!v.is(NameSchema, name))
    throw new Problem('device-name-invalid', { what, why: 'the name is not one homeward takes' })
}
