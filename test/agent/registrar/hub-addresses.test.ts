import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hubAddresses, hubAddressesPath, resolveHub } from '../../../agent/registrar/hub-addresses.ts'
import { NAT64_NAME } from '../../../protocol/nat64.ts'

const signal = new AbortController().signal
const dead = async (): Promise<readonly string[]> => {
  throw new Error('EAI_AGAIN')
}
const found = async (name: string): Promise<readonly string[]> => (name === 'hub.example' ? ['203.0.113.10'] : [])

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-addresses-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('names become literals, in the order of the configuration', async () => {
  expect(await hubAddresses(['198.51.100.1', 'hub.example'], folder, signal, found)).toEqual([
    '198.51.100.1',
    '203.0.113.10',
  ])
})

test('without DNS a name is what it was when it last resolved', async () => {
  await hubAddresses(['hub.example'], folder, signal, found)
  expect(await hubAddresses(['hub.example'], folder, signal, dead)).toEqual(['203.0.113.10'])
})

test('a name that leads elsewhere is followed', async () => {
  await hubAddresses(['hub.example'], folder, signal, found)
  const moved = async () => ['203.0.113.77']
  expect(await hubAddresses(['hub.example'], folder, signal, moved)).toEqual(['203.0.113.77'])
  expect(await hubAddresses(['hub.example'], folder, signal, dead)).toEqual(['203.0.113.77'])
})

test('a name that never resolved is a problem that says so', async () => {
  await expect(hubAddresses(['nowhere.example'], folder, signal, dead)).rejects.toMatchObject({
    code: 'name-unresolved',
    why: 'nowhere.example does not resolve',
  })
})

test('a damaged memory is no reason to fail', async () => {
  await writeFile(hubAddressesPath(folder), '{"hub.example": [1')
  expect(await hubAddresses(['hub.example'], folder, signal, found)).toEqual(['203.0.113.10'])
})

test('a resolver that hangs ends with the signal', async () => {
  const ending = new AbortController()
  const waiting = hubAddresses(
    ['198.51.100.1', 'hub.example'],
    folder,
    ending.signal,
    () => new Promise(() => undefined),
  )
  ending.abort()
  expect(await waiting).toEqual(['198.51.100.1'])
})

describe('a line without IPv4', () => {
  const over6 = async (address: string): Promise<boolean> => address.includes(':')
  const both = async (): Promise<readonly string[]> => ['203.0.113.10', '2001:db8::10']
  const translating = async (name: string): Promise<readonly string[]> =>
    name === NAT64_NAME ? ['192.0.0.170', '192.0.0.171', '64:ff9b::c000:aa', '64:ff9b::c000:ab'] : []

  test('takes the hub’s IPv6 address first, and keeps the other', async () => {
    expect(await hubAddresses(['hub.example'], folder, signal, both, over6)).toEqual(['2001:db8::10', '203.0.113.10'])
    expect(await resolveHub(['hub.example'], signal, both, over6)).toEqual(['2001:db8::10', '203.0.113.10'])
  })

  test('reaches an IPv4 literal by its NAT64, and the literal itself when it has a way to it again', async () => {
    const translated = ['64:ff9b::cb00:710a', '203.0.113.10']
    expect(await hubAddresses(['203.0.113.10'], folder, signal, translating, over6)).toEqual(translated)
    expect(await resolveHub(['203.0.113.10'], signal, translating, over6)).toEqual(translated)
    expect(await hubAddresses(['203.0.113.10'], folder, signal, translating, async () => true)).toEqual([
      '203.0.113.10',
    ])
    expect(await resolveHub(['203.0.113.10'], signal, translating, async () => true)).toBeNull()
  })

  test('knows its NAT64 when it begins without DNS', async () => {
    await hubAddresses(['203.0.113.10'], folder, signal, translating, over6)
    expect(await hubAddresses(['203.0.113.10'], folder, signal, dead, over6)).toEqual([
      '64:ff9b::cb00:710a',
      '203.0.113.10',
    ])
  })

  test('without a NAT64 keeps the literal, since IPv4 may come', async () => {
    expect(await hubAddresses(['203.0.113.10'], folder, signal, found, over6)).toEqual(['203.0.113.10'])
    expect(await resolveHub(['203.0.113.10'], signal, found, over6)).toBeNull()
  })

  test('that has no IPv6 either asks nobody for a NAT64', async () => {
    const asked: string[] = []
    const ask = async (name: string): Promise<readonly string[]> => {
      asked.push(name)
      return []
    }
    expect(await hubAddresses(['203.0.113.10'], folder, signal, ask, async () => false)).toEqual(['203.0.113.10'])
    expect(asked).toEqual([])
  })
})
