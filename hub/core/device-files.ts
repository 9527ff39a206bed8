import { contains } from '../../net/prefix.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { reachOf } from './devices.ts'
import type { Device, StoreDocument } from './store-document.ts'

/** What of a device's file the hub decides: its address, and the networks that it sends into the tunnel. */
export interface DeviceFile {
  readonly address: string
  readonly allowedIps: readonly string[]
}

/** What the file of a device must say now. */
export function neededFile(device: Device, { homes }: Pick<StoreDocument, 'homes'>, network: string): DeviceFile {
  const reach = reachOf(device)
  const reached = homes.filter((home) => reach === null || reach.includes(home.name))
  const isWhole = device.full === true || device.exit !== undefined
  return {
    address: device.address,
    allowedIps: isWhole
      ? ['0.0.0.0/0']
      : device.to === undefined
        ? [network, ...reached.flatMap((home) => home.lan).sort()]
        : hostsOf(device.to),
  }
}

/** The hosts of services, each once, as prefixes. */
export function hostsOf(services: NonNullable<Device['to']>): readonly string[] {
  return [...new Set(services.map(({ address }) => `${address}/32`))].sort()
}

/**
 * Notes at each device what its file says, as soon as that no longer suffices: the hub keeps no files, and only a change
 * tells that one is too old. A file that names more than it must is as good as before.
 */
export function noteDeviceFiles(
  before: StoreDocument,
  after: StoreDocument,
  networks: { readonly before: string; readonly after: string },
): StoreDocument {
  if (before.homes === after.homes && before.devices === after.devices && networks.before === networks.after)
    return after
  const known = new Map(before.devices.map((device) => [device.publicKey, device]))
  const devices = after.devices.map((device) => {
    const old = known.get(device.publicKey)
    // A device that was just added has a file that is made of what is now.
    if (old === undefined) return device
    const has = old.file ?? neededFile(old, before, networks.before)
    const isEnough = suffices(has, neededFile(device, after, networks.after))
    if (isEnough && device.file === undefined) return device
    const { file: _, ...rest } = device
    return isEnough ? rest : { ...rest, file: { address: has.address, allowedIps: [...has.allowedIps] } }
  })
  return devices.every((device, index) => device === after.devices[index]) ? after : { ...after, devices }
}

/** The hub's keys: the one that it has, and the one that it had first. */
export interface HubKeys {
  readonly publicKey: PublicKey
  readonly firstKey: PublicKey
}

/** Whether the device's file names another key of the hub than it has now: then it does not get in. */
export function namesOldKey({ hubKey }: Pick<Device, 'hubKey'>, { publicKey, firstKey }: HubKeys): boolean {
  return (hubKey ?? firstKey) !== publicKey
}

/** Notes the hub's key at each device whose file was made with it just now. */
export function noteHubKey(before: StoreDocument, after: StoreDocument, keys: HubKeys): StoreDocument {
  if (before.devices === after.devices) return after
  const had = new Set(before.devices.map((device) => device.publicKey))
  return withHubKey(after, keys, (device) => !had.has(device.publicKey))
}

/** Notes the hub's key at devices that got in by it: somebody changed their files. */
export function noteHeardDevices(
  document: StoreDocument,
  keys: HubKeys,
  isHeard: (device: Device) => boolean,
): StoreDocument {
  return withHubKey(document, keys, isHeard)
}

function withHubKey(document: StoreDocument, keys: HubKeys, isMeant: (device: Device) => boolean): StoreDocument {
  const isDue = (device: Device): boolean => namesOldKey(device, keys) && isMeant(device)
  if (!document.devices.some(isDue)) return document
  const devices = document.devices.map((device) => (isDue(device) ? { ...device, hubKey: keys.publicKey } : device))
  return { ...document, devices }
}

/** Whether a device with this file reaches all that it shall. */
function suffices(has: DeviceFile, needed: DeviceFile): boolean {
  return (
    has.address === needed.address &&
    needed.allowedIps.every((prefix) => has.allowedIps.some((other) => contains(other, prefix)))
  )
}
