import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  forgetRotatedKeys,
  keepRotatedKey,
  privateKeyFileOf,
  readRotatedKey,
  removeOtherKeys,
  type RotatedKey,
  rotatedKeyPath,
  withKey,
} from '../../../agent/secrets/rotated-key.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import { sampleConfig } from '../sample-config.ts'

const newKey = (): PublicKey => randomBytes(32).toString('base64') as PublicKey

let folder: string
let rotated: RotatedKey
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-key-'))
  rotated = { schema: 1, joined: sampleConfig.publicKey, publicKey: newKey(), madeBy: 'agent' }
})
afterEach(() => rm(folder, { recursive: true }))

const writePrivate = (key: PublicKey): Promise<void> => writeFile(rotatedKeyPath(folder, key), 'secret\n')

describe('the key that the tunnel has', () => {
  test('is the one from the join until one was rotated in and kept', async () => {
    await writePrivate(rotated.publicKey)
    expect(withKey(sampleConfig, await readRotatedKey(folder))).toBe(sampleConfig)
    await keepRotatedKey(folder, rotated)
    expect(withKey(sampleConfig, await readRotatedKey(folder)).publicKey).toBe(rotated.publicKey)
  })

  test('is the one that the router made, of which there is no private half here', async () => {
    await keepRotatedKey(folder, { ...rotated, madeBy: 'router' })
    expect(withKey(sampleConfig, await readRotatedKey(folder)).publicKey).toBe(rotated.publicKey)
    expect(await readdir(folder)).toEqual(['key.json'])
  })

  test('is the one from the join after another join', async () => {
    const joinedAnew = { ...sampleConfig, publicKey: newKey() }
    expect(withKey(joinedAnew, rotated)).toBe(joinedAnew)
  })

  test('is the one from the join when the private half was lost', async () => {
    await keepRotatedKey(folder, rotated)
    expect(await readRotatedKey(folder)).toBeNull()
  })

  test.each(['', '{}', '{"schema":1,"joined":"a","publicKey":"b"}'])(
    'is the one from the join with a file damaged into %j',
    async (text) => {
      await writeFile(join(folder, 'key.json'), text)
      expect(await readRotatedKey(folder)).toBeNull()
    },
  )

  test('finds its private half by its public one', async () => {
    await writePrivate(rotated.publicKey)
    expect(privateKeyFileOf('/etc/homeward', folder, rotated.publicKey)).toBe(rotatedKeyPath(folder, rotated.publicKey))
    expect(privateKeyFileOf('/etc/homeward', folder, sampleConfig.publicKey)).toBe('/etc/homeward/private.key')
  })
})

describe('keys that count no more', () => {
  test('go, and the one that counts stays', async () => {
    await keepRotatedKey(folder, rotated)
    await Promise.all([writePrivate(rotated.publicKey), writePrivate(newKey()), writePrivate(newKey())])
    await writeFile(join(folder, 'private.key'), 'somebody else’s\n')
    await removeOtherKeys(folder, rotated)
    expect((await readdir(folder)).length).toBe(3)
    expect(await readRotatedKey(folder)).toEqual(rotated)
  })

  test('all go with the home', async () => {
    await keepRotatedKey(folder, rotated)
    await Promise.all([writePrivate(rotated.publicKey), writePrivate(newKey())])
    await forgetRotatedKeys(folder)
    expect(await readdir(folder)).toEqual([])
  })
})
