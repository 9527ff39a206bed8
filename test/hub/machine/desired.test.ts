import * as v from 'valibot'
import { expect, test } from 'vitest'
import type { HubForwarding } from '../../../adapters/spec.ts'
import { addDevice } from '../../../hub/core/devices.ts'
import { EMPTY_DOCUMENT, type StoreDocument } from '../../../hub/core/store-document.ts'
import { desiredTunnel } from '../../../hub/machine/desired.ts'
import { HubConfigSchema } from '../../../hub/settings/config.ts'
import { context, device, hubKey, joined } from '../core/some.ts'

const CAMERA = { address: '192.168.1.50', protocol: 'tcp', port: 554, lastPort: 554 } as const

const { document: one, home: cabin } = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
const { document: homes } = joined(one, 'barn', ['192.168.2.0/24'])

/** A document with these devices, each of the hub's owner unless it says a home. */
function withDevices(
  ...named: readonly { readonly name: string; readonly at?: typeof cabin; readonly to?: readonly (typeof CAMERA)[] }[]
): StoreDocument {
  return named.reduce<StoreDocument>((document, { name, at = null, to }) => {
    const [after] = addDevice(document, at, device(name), hubKey, context)
    const devices = after.devices.map((each) => (each.name === name && to !== undefined ? { ...each, to } : each))
    return { ...after, devices }
  }, homes)
}

function forwardingOf(document: StoreDocument, settings: object = {}): HubForwarding {
  const config = v.parse(HubConfigSchema, { addresses: ['203.0.113.10'], ...settings })
  const { forwarding } = desiredTunnel(config, hubKey, document, [], () => null, {
    ssh: new Set([2222, 22]),
    listeners: new Set(),
  })
  if (forwarding.role !== 'hub') throw new Error('no hub')
  return forwarding
}

const addressIn = (document: StoreDocument, name: string) =>
  document.devices.find((each) => each.name === name)?.address ?? ''

test('a device for one service is none that reaches all of the homes', () => {
  const document = withDevices({ name: 'viewer', to: [CAMERA] }, { name: 'phone' })
  const { devices, limited } = forwardingOf(document)
  expect(devices).toEqual([addressIn(document, 'phone')])
  expect(limited).toEqual([{ devices: [addressIn(document, 'viewer')], prefixes: [], services: [CAMERA] }])
})

test('nor does a service let a home’s device out of its home', () => {
  const elsewhere = { ...CAMERA, address: '192.168.2.50' }
  const document = withDevices(
    { name: 'viewer', at: cabin, to: [elsewhere, CAMERA] as never },
    { name: 'none', at: cabin, to: [elsewhere] as never },
    { name: 'kid', at: cabin },
  )
  expect(forwardingOf(document).limited).toEqual([
    { devices: [addressIn(document, 'viewer')], prefixes: [], services: [CAMERA] },
    { devices: [addressIn(document, 'kid')], prefixes: [`${cabin.address}/32`, '192.168.1.0/24'] },
  ])
})

test('ssh is for devices that the hub’s owner added, at every port where it was seen, and open is what hub.yaml says', () => {
  const document = withDevices({ name: 'laptop' }, { name: 'kid', at: cabin })
  expect(forwardingOf(document, { open: ['53/udp'] }).ownServices).toEqual({
    open: [{ protocol: 'udp', port: 53 }],
    sshPorts: [22, 2222],
    ownerDevices: [addressIn(document, 'laptop')],
  })
})

test('what comes out of the tunnel may be of any home’s network', () => {
  expect(forwardingOf(homes).lans).toEqual(['192.168.1.0/24', '192.168.2.0/24'])
})
