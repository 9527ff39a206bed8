import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hubAddresses, hubAddressesPath } from '../../../agent/registrar/hub-addresses.ts'

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
