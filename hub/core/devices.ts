import * as v from 'valibot'
import { hostCount } from '../../net/hosts.ts'
import { isIn } from '../../net/prefix.ts'
import { Problem } from '../../problems/problem.ts'
import type { AddDeviceRequest, RotateDeviceRequest } from '../../protocol/messages.ts'
import { NameSchema } from '../../protocol/names.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import { refuseBeyond } from '../rights/quotas.ts'
import { requireRight } from '../rights/rights.ts'
import type { InviteContext } from './invitation.ts'
import { refuseTakenKey } from './joining.ts'
import {
  type Change,
  type Device,
  type Home,
  homeNamed,
  type StoreDocument,
  stillHome,
  takenAddresses,
} from './store-document.ts'
import { nextFreeAddress } from './tunnel-network.ts'

/** The principal of an operation: a home, or null for the hub's owner. */
export type Principal = Home | null

/** Whose word an operation is. */
export function actorOf(principal: Principal): 'home' | 'hub' {
  return principal === null ? 'hub' : 'home'
}

/** The description of a new device. */
export type DeviceInput = Pick<AddDeviceRequest, 'name' | 'publicKey' | 'presharedKey'> &
  Partial<Pick<AddDeviceRequest, 'homes' | 'expiresInMs' | 'full' | 'exit' | 'to'>>

/**
 * Adds a device. Asked again with the same keys the answer is the same, since the first may have been lost.
 * @throws {Problem} `home-unknown`, `device-name-invalid`, `device-exists`, `right-missing`, `quota-reached`, `home-missing`,
 *   `exit-refused`, `network-full`, `request-invalid`.
 */
export function addDevice(
  before: StoreDocument,
  principal: Principal,
  {
    name,
    publicKey,
    presharedKey,
    homes = null,
    expiresInMs = null,
    full = false,
    exit = null,
    to = null,
  }: DeviceInput,
  hubPublicKey: PublicKey,
  { network, now }: InviteContext,
): Change<Device> {
  const what = `adding the device ${JSON.stringify(name)}`
  refuseOddName(name, what)
  const member = principal === null ? null : stillHome(before, principal, what)
  const home = member?.name ?? null
  const document = madeRoom(before, name, home, now)
  const known = document.devices.find((device) => device.name === name)
  if (known?.home === home && known.publicKey === publicKey && known.presharedKey === presharedKey)
    return [document, known]
  if (known !== undefined)
    throw new Problem('device-exists', {
      what,
      // When another home's device was added is nothing that this one needs to know.
      why: `there is a device named ${name} already${member === null || known.home === home ? `, added at ${known.addedAt}` : ''}`,
    })
  if (member !== null) refuseWithoutRight(document, member, { full, exit }, { network, now }, what)
  refuseHomes(document, principal, homes, what)
  if (to !== null) refuseOddServices(document, { home, ...(homes === null ? {} : { homes }) }, to, what)
  if (exit !== null) refuseExit(document, principal, exit, now, what)
  refuseTakenKey(document, publicKey, null, hubPublicKey, what)
  const device: Device = {
    name,
    address: nextFreeAddress(network, takenAddresses(document, now), what),
    publicKey,
    presharedKey,
    home,
    addedAt: now.toISOString(),
    ...(homes === null ? {} : { homes: [...new Set(homes)].sort() }),
    ...(expiresInMs === null ? {} : { expiresAt: new Date(now.getTime() + expiresInMs).toISOString() }),
    ...(full ? { full } : {}),
    ...(exit === null ? {} : { exit }),
    ...(to === null ? {} : { to }),
  }
  return [{ ...document, devices: [...document.devices, device] }, device]
}

/** Removes a device: a home its own, the hub's owner any. @throws {Problem} `device-missing`, `device-name-invalid`. */
export function removeDevice(document: StoreDocument, principal: Principal, name: string): Change<Device> {
  const device = ownDevice(document, principal, name, `removing the device ${JSON.stringify(name)}`)
  return [{ ...document, devices: document.devices.filter((other) => other !== device) }, device]
}

/** The new keys of a device. */
export type RotationInput = Pick<RotateDeviceRequest, 'publicKey' | 'presharedKey' | 'preview'> & {
  readonly name: string
}

/**
 * Gives a device other keys; its name, address, reach and expiry stay, and the old keys are nobody's. A home needs the
 * rights as for adding it: whoever rotates has the device then. A preview changes nothing.
 * @throws {Problem} `device-missing`, `device-name-invalid`, `right-missing`, `request-invalid`.
 */
export function rotateDevice(
  document: StoreDocument,
  principal: Principal,
  { name, publicKey, presharedKey, preview }: RotationInput,
  hubPublicKey: PublicKey,
  { now }: Pick<InviteContext, 'now'>,
): Change<Device> {
  const what = `rotating the key of the device ${JSON.stringify(name)}`
  const device = ownDevice(document, principal, name, what)
  if (device.publicKey === publicKey && device.presharedKey === presharedKey) return [document, device]
  if (isExpired(device, now))
    throw new Problem('device-missing', {
      what,
      why: `it expired at ${device.expiresAt}`,
      next: `Add it again, under the same name: homeward device add ${name}`,
    })
  if (principal !== null) requireRights(stillHome(document, principal, what), device, what)
  refuseTakenKey(document, publicKey, null, hubPublicKey, what)
  if (preview) return [document, device]
  // Its new file is made of what is now.
  const { file: _, ...rest } = device
  const rotated = { ...rest, publicKey, presharedKey }
  return [{ ...document, devices: document.devices.map((one) => (one === device ? rotated : one)) }, rotated]
}

/** @throws {Problem} `device-missing`, `device-name-invalid`. */
function ownDevice(document: StoreDocument, principal: Principal, name: string, what: string): Device {
  refuseOddName(name, what)
  const home = nameOf(document, principal, what)
  const device = document.devices.find((one) => one.name === name && (home === null || one.home === home))
  if (device !== undefined) return device
  throw new Problem('device-missing', {
    what,
    why: home === null ? `the hub has no device ${name}` : `the home ${home} has no device ${name}`,
  })
}

/** Devices to list: a home sees its own and the hub's, the hub's owner sees all. */
export function visibleDevices(document: StoreDocument, principal: Principal): readonly Device[] {
  return document.devices.filter(({ home }) => principal === null || home === null || home === principal.name)
}

/** The homes a device may reach; null: all of them, also those that come later. */
export function reachOf({ home, homes }: Pick<Device, 'home' | 'homes'>): readonly string[] | null {
  return homes ?? (home === null ? null : [home])
}

export function isExpired({ expiresAt }: Device, now: Date): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime()
}

/**
 * The document without devices whose time is over, to which nothing is led. They stay in the store: a hub whose clock
 * was years ahead for a moment would have lost them for good.
 */
export function inTime(document: StoreDocument, now: Date): StoreDocument {
  const devices = document.devices.filter((device) => !isExpired(device, now))
  return devices.length === document.devices.length ? document : { ...document, devices }
}

/** How many devices whose time is over are kept of each home, and of the hub's owner; the oldest make room. */
const MOST_EXPIRED = 32

/** The document in which a device of this name and owner has room: whose time is over gives up its name. */
function madeRoom(document: StoreDocument, name: string, home: string | null, now: Date): StoreDocument {
  const expired = document.devices.filter((device) => isExpired(device, now))
  const own = expired.filter((device) => device.home === home)
  const gone = new Set([
    ...expired.filter((device) => device.name === name && (home === null || device.home === home)),
    ...own.slice(0, Math.max(0, own.length - MOST_EXPIRED)),
  ])
  return gone.size === 0 ? document : { ...document, devices: document.devices.filter((one) => !gone.has(one)) }
}

/** The share of the tunnel's addresses that homes can give to devices; the rest is the owner's. */
const SHARE_OF_HOMES = 7 / 8

/** @throws {Problem} `right-missing`, `quota-reached`. */
function refuseWithoutRight(
  document: StoreDocument,
  home: Home,
  { full, exit }: Required<Pick<DeviceInput, 'full' | 'exit'>>,
  { network, now }: Pick<InviteContext, 'network' | 'now'>,
  what: string,
): void {
  requireRights(home, { full, exit }, what)
  const own = document.devices.filter((device) => device.home === home.name && !isExpired(device, now))
  refuseBeyond(home, 'devices', own.length + 1, what)
  const room = Math.floor(hostCount(network) * SHARE_OF_HOMES)
  if (takenAddresses(document, now).size >= room)
    throw new Problem('quota-reached', {
      what,
      why: `${room} addresses of ${network} are in use, and the last ones are kept for what the hub’s owner adds`,
    })
}

/** @throws {Problem} `right-missing`. */
function requireRights(
  home: Home,
  { full, exit }: { readonly full?: boolean | undefined; readonly exit?: string | null | undefined },
  what: string,
): void {
  requireRight(home, 'devices', what)
  if (full === true) requireRight(home, 'full', what)
  if (exit !== null && exit !== undefined) requireRight(home, 'exit', what)
}

/** @throws {Problem} `home-missing`. */
function refuseHomes(
  document: StoreDocument,
  principal: Principal,
  homes: readonly string[] | null,
  what: string,
): void {
  const unknown = homes?.find((name) =>
    principal === null ? homeNamed(document, name) === null : name !== principal.name,
  )
  if (unknown === undefined) return
  const why =
    principal === null
      ? `the hub has no home ${unknown}`
      : `a device added at ${principal.name} reaches that home alone`
  throw new Problem('home-missing', { what, why })
}

/** Refuses services that the device would not reach. @throws {Problem} `request-invalid`. */
function refuseOddServices(
  { homes: all }: StoreDocument,
  device: Pick<Device, 'home' | 'homes'>,
  to: NonNullable<Device['to']>,
  what: string,
): void {
  const reach = reachOf(device)
  const reached = all.filter(({ name }) => reach === null || reach.includes(name))
  const networks = reached.flatMap(({ address, lan }) => [`${address}/32`, ...lan])
  const odd = to.find(({ address }) => !isIn(address, networks))
  if (odd === undefined) return
  const why = `${odd.address} is not in what the device would reach: ${networks.join(', ') || 'no home has a LAN'}`
  throw new Problem('request-invalid', { what, why })
}

/** Refuses a second exit: WireGuard routes an address to one peer. @throws {Problem} `home-missing`, `exit-refused`. */
function refuseExit(document: StoreDocument, principal: Principal, exit: string, now: Date, what: string): void {
  refuseHomes(document, principal, [exit], what)
  if (homeNamed(document, exit)?.exit !== true)
    throw new Problem('exit-refused', { what, why: `${exit} lets no devices go to the internet through it` })
  const other = exitHome(inTime(document, now))
  if (other !== null && other !== exit)
    throw new Problem('exit-refused', {
      what,
      why: `devices go to the internet through ${other} already, and a hub can have one such home`,
      next: `Remove those devices first, or add this one with --exit ${other}`,
    })
}

/** The home through which devices reach the internet; null: none does, or the home no longer lets them. */
export function exitHome({ homes, devices }: StoreDocument): string | null {
  const name = devices.find(({ exit }) => exit !== undefined)?.exit
  return homes.find((home) => home.name === name && home.exit === true)?.name ?? null
}

function nameOf(document: StoreDocument, principal: Principal, what: string): string | null {
  return principal === null ? null : stillHome(document, principal, what).name
}

function refuseOddName(name: string, what: string): void {
  if (!v.is(NameSchema, name)) throw new Problem('device-name-invalid', { what, why: 'it is not a valid name' })
}
