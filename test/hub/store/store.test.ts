import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openStore as open, type Store } from '../../../hub/store/store.ts'
import { storeText } from '../../../hub/store/store-file.ts'
import { EMPTY_DOCUMENT, type Invite, type StoreDocument } from '../../../hub/core/store-document.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { systemClock } from '../../../system/time/clock.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-store-'))
  path = join(folder, 'store.json')
  await writeFile(path, storeText(EMPTY_DOCUMENT), { mode: 0o600 })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const openStore = (at: string): Promise<Store> => open(at, '1.0.0', systemClock)
const invitation = (home: string): Invite => ({
  home,
  address: '10.86.0.2',
  secretHash: hashOf(home),
  lan: [],
  expiresAt: '2026-11-24T10:00:00.000Z',
  use: null,
})
const adding = (home: string) => (document: StoreDocument) =>
  [{ ...document, invites: [...document.invites, invitation(home)] }, home] as const

describe('a change', () => {
  test('is in the file, which only its owner may read, before the change ends', async () => {
    const store = await openStore(path)
    expect(await store.update(adding('cabin'))).toBe('cabin')
    expect((await openStore(path)).document.invites).toEqual([invitation('cabin')])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await readdir(folder)).sort()).toEqual(['store-days', 'store.1.json', 'store.json', 'store.version'])
    expect((await stat(join(folder, 'store.1.json'))).mode & 0o777).toBe(0o600)
  })

  test('builds on the ones before it, although nobody waited for them', async () => {
    const store = await openStore(path)
    const names = Array.from({ length: 20 }, (_, index) => `home-${index}`)
    await Promise.all(names.map((name) => store.update(adding(name))))
    expect((await openStore(path)).document.invites.map((invite) => invite.home)).toEqual(names)
  })

  test('that changes nothing writes nothing', async () => {
    const store = await openStore(path)
    const before = await stat(path, { bigint: true })
    await store.update((document) => [document, null])
    const after = await stat(path, { bigint: true })
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs])
  })

  test('that throws leaves everything as it was, and the next one goes on', async () => {
    const store = await openStore(path)
    const failing = store.update(() => {
      throw new Error('no')
    })
    const next = store.update(adding('cabin'))
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('cabin')
  })

  test('that cannot be written is not believed: memory stays what the file is', async () => {
    // A name that leaves no room for the new file's longer one (NAME_MAX is 255).
    const tight = join(folder, 's'.repeat(250))
    await writeFile(tight, storeText(EMPTY_DOCUMENT))
    const store = await openStore(tight)
    await expect(store.update(adding('cabin'))).rejects.toMatchObject({ code: 'write-failed' })
    expect(store.document).toEqual(EMPTY_DOCUMENT)
    expect(await readFile(tight, 'utf8')).toBe(storeText(EMPTY_DOCUMENT))
  })

  test('never writes over what somebody else wrote since', async () => {
    const store = await openStore(path)
    await store.update(adding('cabin'))
    const theirs = storeText(EMPTY_DOCUMENT)
    await writeFile(path, theirs)
    await expect(store.update(adding('lodge'))).rejects.toMatchObject({ code: 'write-failed' })
    expect(await readFile(path, 'utf8')).toBe(theirs)
  })
})

describe('the file under a running hub', () => {
  test.each(['', '{"schema":1,"homes":[{', '{"schema":1,"homes":7}', null])(
    'that is damaged or gone is the document again: %j',
    async (text) => {
      const store = await openStore(path)
      await store.update(adding('cabin'))
      await (text === null ? rm(path) : writeFile(path, text))
      expect(await store.check()).toEqual({ kind: 'restored', was: 'damaged' })
      expect((await openStore(path)).document).toEqual(store.document)
      await store.update(adding('lodge'))
      expect(await store.check()).toEqual({ kind: 'whole' })
    },
  )

  test('is this document however it is spelt, and whatever the order of its fields in memory', async () => {
    await writeFile(path, JSON.stringify(EMPTY_DOCUMENT), { mode: 0o600 })
    const store = await openStore(path)
    expect(await store.check()).toEqual({ kind: 'whole' })
    await store.update((document) => [
      { ...Object.fromEntries(Object.entries(document).reverse()), network: undefined } as never,
      null,
    ])
    expect(await store.check()).toEqual({ kind: 'whole' })
  })

  test('that others may read is closed to them', async () => {
    const store = await openStore(path)
    await chmod(path, 0o644)
    expect(await store.check()).toEqual({ kind: 'restored', was: 'exposed' })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('is left alone where somebody put another one, whole or of a newer version; the same one counts as it was', async () => {
    const store = await openStore(path)
    await store.update(adding('cabin'))
    for (const theirs of [storeText(EMPTY_DOCUMENT), '{"schema":99}']) {
      await writeFile(path, theirs)
      expect(await store.check()).toEqual({ kind: 'another' })
      expect(await readFile(path, 'utf8')).toBe(theirs)
    }
    await writeFile(path, storeText(store.document))
    expect(await store.check()).toEqual({ kind: 'whole' })
    await store.update(adding('lodge'))
  })

  test('that cannot be written again is lost, with the reason', async () => {
    const tight = join(folder, 's'.repeat(250))
    await writeFile(tight, storeText(EMPTY_DOCUMENT), { mode: 0o600 })
    const store = await openStore(tight)
    await writeFile(tight, '')
    expect(await store.check()).toMatchObject({ kind: 'lost', why: expect.stringContaining('s') as string })
  })
})

describe('a file that cannot be trusted', () => {
  const home = {
    name: 'cabin',
    address: '10.86.0.2',
    publicKey: `${'A'.repeat(43)}=`,
    lan: [],
    joinedAt: '2026-11-23T10:00:00.000Z',
  }
  const homes = (...list: readonly object[]) =>
    JSON.stringify({
      schema: 1,
      homes: list.map((one) => ({ ...home, secretHash: hashOf('x'), ...one })),
      invites: [],
      devices: [],
    })

  test.each<readonly [string, string, string, RegExp]>([
    ['that is empty', '', 'store-damaged', /not JSON/],
    ['that ends in the middle', '{"schema":1,"homes":[{', 'store-damaged', /not JSON/],
    ['without a schema', '{"homes":[]}', 'store-damaged', /schema/],
    ['of a newer schema', '{"schema":2}', 'store-newer', /schema 2/],
    [
      'with two homes of one name',
      homes({}, { address: '10.86.0.3', publicKey: `${'B'.repeat(42)}A=` }),
      'store-damaged',
      /same name/,
    ],
    [
      'with two peers at one address',
      homes({}, { name: 'lodge', publicKey: `${'B'.repeat(42)}A=` }),
      'store-damaged',
      /same address/,
    ],
    [
      'with two peers of one key',
      homes({}, { name: 'lodge', address: '10.86.0.3' }),
      'store-damaged',
      /same public key/,
    ],
  ])('one %s is refused by name and left untouched', async (_which, text, code, why) => {
    await writeFile(path, text)
    await expect(openStore(path)).rejects.toMatchObject({ code, why: expect.stringMatching(why) as string })
    expect(await readFile(path, 'utf8')).toBe(text)
  })

  test('one that is gone is not taken for an empty one', async () => {
    await rm(path)
    await expect(openStore(path)).rejects.toMatchObject({ code: 'store-damaged' })
  })

  test('a secret in a damaged one is not repeated', async () => {
    await writeFile(path, homes({ secretHash: 'hunter2' }))
    await expect(openStore(path)).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') as string })
  })

  test('a home may be named like something every object has', async () => {
    await writeFile(path, homes({ name: 'constructor' }))
    expect((await openStore(path)).document.homes[0]?.name).toBe('constructor')
  })
})
