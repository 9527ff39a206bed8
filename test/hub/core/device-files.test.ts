import { describe, expect, test } from 'vitest'
import { neededFile, noteDeviceFiles } from '../../../hub/core/device-files.ts'
import { addDevice, type DeviceInput } from '../../../hub/core/devices.ts'
import { EMPTY_DOCUMENT, type Home, type StoreDocument } from '../../../hub/core/store-document.ts'
import { context, device, hubKey, joined } from './some.ts'

/** What the file of a device says, and when its owner needs another one. */

const { network } = context
const cabin = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
const { document: homes } = joined(cabin.document, 'lodge', ['192.168.2.0/24'])
const withExit = { ...homes, homes: homes.homes.map((home) => ({ ...home, exit: true as const })) }
const added = (principal: Home | null, more: Partial<DeviceInput> = {}, document: StoreDocument = withExit) =>
  addDevice(document, principal, device('phone', more), hubKey, context)
const same = { before: network, after: network }
const withLan = (document: StoreDocument, lan: string[]): StoreDocument => ({
  ...document,
  homes: document.homes.map((home) => (home.name === 'cabin' ? { ...home, lan } : home)),
})

describe('the file of a device', () => {
  test.each<[string, DeviceInput | Partial<DeviceInput>, readonly string[]]>([
    ['of the owner', {}, [network, '192.168.1.0/24', '192.168.2.0/24']],
    ['for one home', { homes: ['lodge'] }, [network, '192.168.2.0/24']],
    ['for no home', { homes: [] }, [network]],
    ['that sends everything', { full: true }, ['0.0.0.0/0']],
    ['that sends everything through a home', { exit: 'cabin' }, ['0.0.0.0/0']],
    [
      'for a service',
      { to: [{ protocol: 'tcp', address: '192.168.1.20', port: 443, lastPort: 443 }] },
      ['192.168.1.20/32'],
    ],
  ])('%s names what it reaches', (_, more, allowedIps) => {
    const [document, phone] = added(null, more)
    expect(neededFile(phone, document, network)).toEqual({ address: phone.address, allowedIps })
  })

  test('of a home names the LAN of that home', () => {
    const [document, phone] = added(cabin.home, {}, homes)
    expect(neededFile(phone, document, network).allowedIps).toEqual([network, '192.168.1.0/24'])
  })
})

describe('another file', () => {
  const [before, phone] = added(null, { homes: ['cabin'] })
  const [both] = addDevice(before, null, device('tablet', { homes: ['lodge'] }), hubKey, context)
  const grown = withLan(both, ['192.168.1.0/24', '192.168.7.0/24'])
  const said = { address: phone.address, allowedIps: [network, '192.168.1.0/24'] }
  const filesOf = ({ devices }: StoreDocument) => devices.map(({ file }) => file)

  test('is needed by the device alone whose home has more now, and not any more once it has less again', () => {
    const noted = noteDeviceFiles(both, grown, same)
    expect(filesOf(noted)).toEqual([said, undefined])
    expect(noteDeviceFiles(noted, noted, same)).toBe(noted)
    expect(filesOf(noteDeviceFiles(noted, withLan(noted, ['192.168.1.0/25']), same))).toEqual([undefined, undefined])
  })

  test('is needed where the device is led elsewhere, and where the tunnel has another network', () => {
    const elsewhere = { ...both, devices: both.devices.map((one) => ({ ...one, homes: ['cabin', 'lodge'] })) }
    expect(filesOf(noteDeviceFiles(both, elsewhere, same))).toEqual([said, expect.objectContaining({})])
    const moved = noteDeviceFiles(both, both, { before: network, after: '172.29.0.0/16' })
    expect(filesOf(moved)[0]).toEqual(said)
  })

  test('is needed by nobody while the old ones suffice, and there is nothing to write', () => {
    const smaller = withLan(both, ['192.168.1.0/25'])
    expect(noteDeviceFiles(both, smaller, same)).toBe(smaller)
    expect(noteDeviceFiles(before, both, same)).toBe(both)
  })
})
