import { describe, expect, test } from 'vitest'
import { addDevice } from '../../../hub/core/devices.ts'
import { takenBack } from '../../../hub/core/older-document.ts'
import { EMPTY_DOCUMENT, type StoreDocument } from '../../../hub/core/store-document.ts'
import { context, device, hubKey, joined, newKey } from './some.ts'

const cabin = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24'])
const barn = joined(cabin.document, 'barn', ['192.168.2.0/24'])
const [withPhone] = addDevice(barn.document, cabin.home, device('phone', { homes: ['cabin'] }), hubKey, context)
const [before, tablet] = addDevice(withPhone, cabin.home, device('tablet'), hubKey, context)
const [more, laptop] = addDevice(before, cabin.home, device('laptop'), hubKey, context)

/** As a hub of a later version may write it. */
const newer = (document: StoreDocument) => ({ ...JSON.parse(JSON.stringify(document)), schema: 2 })
const names = (document: StoreDocument) => document.devices.map(({ name }) => name)

describe('what a newer hub has written', () => {
  test('and nobody changed is as it was before', () => {
    expect(takenBack(newer(before), before)).toEqual({ document: before, removed: [], lost: [], returned: [] })
  })

  test('of a device that was added is taken, where this version knows all of it', () => {
    const { document, lost } = takenBack(newer(more), before)
    expect(document.devices).toEqual(more.devices)
    expect({ schema: document.schema, lost }).toEqual({ schema: 1, lost: [] })
  })

  test('of a device that was added is left out and named, where another field may narrow what it may do', () => {
    const written = newer({ ...before, devices: [...before.devices, { ...laptop, hours: '9-17' } as never] })
    const { document, lost } = takenBack(written, before)
    expect(names(document)).toEqual(['phone', 'tablet'])
    expect(lost).toEqual(['the device laptop'])
  })

  test('without a device that was removed leaves it removed: it may have been stolen', () => {
    const { document, removed } = takenBack(newer({ ...before, devices: [tablet] }), before)
    expect(names(document)).toEqual(['tablet'])
    expect(removed).toEqual(['the device phone'])
  })

  test('without any home at all is not believed', () => {
    const { document, removed, returned } = takenBack(newer({ ...before, homes: [] }), before)
    expect(document.homes).toEqual(before.homes)
    expect(removed).toEqual([])
    expect(returned).toEqual(['the home cabin', 'the home barn'])
  })

  test('of a key that was exchanged counts, and what narrows a device stays when its field has another name', () => {
    const publicKey = newKey()
    const written = newer(before)
    written.homes[0].publicKey = publicKey
    written.devices[0].reaches = written.devices[0].homes
    delete written.devices[0].homes
    const { document } = takenBack(written, before)
    expect(document.homes[0]).toEqual({ ...before.homes[0], publicKey })
    expect(document.devices[0]).toMatchObject({ homes: ['cabin'] })
  })

  test('in a field that this version reads otherwise counts for nothing', () => {
    const written = newer(before)
    written.homes[0].lan = { prefixes: ['192.168.1.0/24'] }
    expect(takenBack(written, before).document).toEqual(before)
  })

  test('that would give two the same address leaves out what was added', () => {
    const twice = { ...laptop, address: tablet.address }
    const { document, lost } = takenBack(newer({ ...before, devices: [...before.devices, twice] }), before)
    expect(document).toEqual(before)
    expect(lost).toEqual(['the device laptop'])
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['other names for everything', { schema: 2, sites: [], phones: [] }],
    ['lists of what no record is', { schema: 2, homes: [null, 7, 'x'] }],
  ])('as %s brings back all of before', (_, written) => {
    expect(takenBack(written, before).document).toEqual(before)
  })
})
