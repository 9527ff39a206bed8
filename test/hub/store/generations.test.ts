import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EMPTY_DOCUMENT, type StoreDocument } from '../../../hub/core/store-document.ts'
import { prepareRestore } from '../../../hub/store/restore-store.ts'
import { openStore, readStore, type Store } from '../../../hub/store/store.ts'
import { storeText } from '../../../hub/store/store-file.ts'
import { joined } from '../core/some.ts'
import { turnedClock } from '../turned-clock.ts'

const HOUR = 3_600_000
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((letter) => `home-${letter}`)

let folder: string
let path: string
let clock: ReturnType<typeof turnedClock>
let store: Store
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-generations-'))
  path = join(folder, 'store.json')
  clock = turnedClock()
  const village = NAMES.reduce((document, name) => joined(document, name, []).document, EMPTY_DOCUMENT)
  await writeFile(path, storeText(village), { mode: 0o600 })
  store = await openStore(path, '1.0.0', clock)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const inFile = async (name: string): Promise<readonly string[] | null> => {
  const text = await readFile(join(folder, name), 'utf8').catch(() => null)
  return text === null ? null : (JSON.parse(text) as StoreDocument).homes.map((home) => home.name)
}
const without = (...names: readonly string[]): Promise<null> =>
  store.update((document) => [
    { ...document, homes: document.homes.filter((home) => !names.includes(home.name)) },
    null,
  ])
const left = (...names: readonly string[]): readonly string[] => NAMES.filter((name) => !names.includes(name))

describe('the days', () => {
  const DAY = 24 * HOUR
  const daysKept = () => readdir(join(folder, 'store-days')).then((names) => names.toSorted())

  test('are those on which the store changed, each as it was before that, as closed as the store', async () => {
    const first = clock.wall().toISOString().slice(0, 10)
    await without('home-a')
    await without('home-b')
    expect(await daysKept()).toEqual([`${first}.json`])
    expect(await inFile(`store-days/${first}.json`)).toEqual(NAMES)
    expect((await stat(join(folder, 'store-days', `${first}.json`))).mode & 0o777).toBe(0o600)
    clock.turn(3 * DAY)
    const second = clock.wall().toISOString().slice(0, 10)
    await without('home-c')
    expect(await daysKept()).toEqual([`${first}.json`, `${second}.json`])
    expect(await inFile(`store-days/${second}.json`)).toEqual(left('home-a', 'home-b'))
  })

  test('are the last seven, over restarts too', async () => {
    for (const name of NAMES.slice(0, 9)) {
      await without(name)
      clock.turn(DAY)
      store = await openStore(path, '1.0.0', clock)
    }
    const days = await daysKept()
    expect(days).toHaveLength(7)
    expect(await inFile(`store-days/${days.at(-1)}`)).toEqual(NAMES.slice(8))
  })

  test('are brought back by their name, and named where another one is missing', async () => {
    const day = clock.wall().toISOString().slice(0, 10)
    await without('home-a')
    const restore = await prepareRestore(path, day)
    expect(restore.differences?.returning).toEqual(['home-a'])
    await restore.carryOut()
    expect((await readStore(path)).homes).toHaveLength(NAMES.length)
    await rm(join(folder, 'store.1.json'))
    await expect(prepareRestore(path, '2001-01-01')).rejects.toMatchObject({
      next: expect.stringContaining(`--generation ${day}`) as string,
    })
  })
})

describe('the older generation', () => {
  test('is the store of before the first change, as closed as the store, and then one of an hour before', async () => {
    await without('home-a')
    expect(await inFile('store.1.json')).toEqual(NAMES)
    expect((await stat(join(folder, 'store.1.json'))).mode & 0o777).toBe(0o600)
    clock.turn(HOUR - 1)
    await without('home-b')
    expect(await inFile('store.1.json')).toEqual(NAMES)
    clock.turn(1)
    await without('home-c')
    expect(await inFile('store.1.json')).toEqual(left('home-a', 'home-b'))
    expect(await inFile('store.2.json')).toBeNull()
  })

  test('is one of an hour before also when the hub was restarted meanwhile', async () => {
    await without('home-a')
    store = await openStore(path, '1.0.0', clock)
    const kept = new Date(clock.wall().getTime() - HOUR + 60_000)
    await utimes(join(folder, 'store.1.json'), kept, kept)
    await without('home-b')
    expect(await inFile('store.1.json')).toEqual(NAMES)
    store = await openStore(path, '1.0.0', clock)
    clock.turn(60_000)
    await without('home-c')
    expect(await inFile('store.1.json')).toEqual(left('home-a', 'home-b'))
  })

  test('is the last store of the version before, which that version can read', async () => {
    await without('home-a')
    store = await openStore(path, '1.1.0', clock)
    await utimes(join(folder, 'store.1.json'), clock.wall(), clock.wall())
    await without('home-b')
    expect(await inFile('store.1.json')).toEqual(left('home-a'))
    await without('home-c')
    expect(await inFile('store.1.json')).toEqual(left('home-a'))
    expect(await readFile(join(folder, 'store.version'), 'utf8')).toBe('1.1.0\n')
  })

  test('is from before a change that takes much away, and the largest one stays for a day', async () => {
    await without('home-a')
    await without('home-b')
    expect(await inFile('store.1.json')).toEqual(NAMES)
    await without('home-c', 'home-d')
    expect(await inFile('store.1.json')).toEqual(left('home-a', 'home-b'))
    await without('home-e', 'home-f')
    expect(await inFile('store.1.json')).toEqual(left('home-a', 'home-b', 'home-c', 'home-d'))
    expect(await inFile('store.2.json')).toEqual(left('home-a', 'home-b'))
    for (const name of ['home-g', 'home-h', 'home-i']) {
      clock.turn(2 * HOUR)
      await without(name)
    }
    expect(await inFile('store.2.json')).toEqual(left('home-a', 'home-b'))
    expect((await stat(join(folder, 'store.2.json'))).mode & 0o777).toBe(0o600)
    clock.turn(24 * HOUR)
    await without('home-j')
    expect(await inFile('store.2.json')).not.toEqual(left('home-a', 'home-b'))
  })

  test('is replaced when it is damaged itself, or of a time that is yet to come', async () => {
    await without('home-a')
    await writeFile(join(folder, 'store.1.json'), '{"schema":1,"ho')
    store = await openStore(path, '1.0.0', clock)
    await without('home-b')
    expect(await inFile('store.1.json')).toEqual(left('home-a'))
    clock.stepCalendar(-30 * 24 * HOUR)
    await without('home-c')
    expect(await inFile('store.1.json')).toEqual(left('home-a', 'home-b'))
  })

  test('that cannot be written costs no change', async () => {
    const tight = join(folder, 's'.repeat(240))
    await writeFile(tight, storeText(EMPTY_DOCUMENT))
    const other = await openStore(tight, '1.0.0', clock)
    await other.update((document) => [joined(document, 'cabin', []).document, null])
    expect((await readStore(tight)).homes).toHaveLength(1)
    expect((await readdir(folder)).filter((name) => name.startsWith('s'.repeat(240)))).toHaveLength(1)
  })
})

describe('a damaged store', () => {
  const damage = async (text = '{"schema":1,"homes":[{'): Promise<void> => writeFile(path, text)

  test('names the generation that can be brought back, and the command', async () => {
    await without('home-a')
    const kept = await readFile(join(folder, 'store.1.json'), 'utf8')
    await utimes(join(folder, 'store.1.json'), clock.wall(), clock.wall())
    await damage()
    const refused = readStore(path)
    await expect(refused).rejects.toMatchObject({
      code: 'store-damaged',
      why: 'it is not JSON',
      next: 'sudo homeward hub restore-store brings back the store of 2026-11-23 10:00 UTC, with 10 homes and 0 devices; put back a backup of the file; it was left untouched',
    })
    expect(await readFile(join(folder, 'store.1.json'), 'utf8')).toBe(kept)
    await rm(path)
    await expect(readStore(path)).rejects.toMatchObject({ next: expect.stringContaining('restore-store') as string })
    await damage('{"schema":9}')
    await expect(readStore(path)).rejects.toMatchObject({
      code: 'store-newer',
      next: expect.stringContaining('restore-store') as string,
    })
  })

  test('names none where none can be read, and the second where the first cannot', async () => {
    await damage()
    await writeFile(join(folder, 'store.1.json'), 'nothing')
    await expect(readStore(path)).rejects.toMatchObject({
      next: expect.not.stringContaining('restore-store') as string,
    })
    await writeFile(join(folder, 'store.2.json'), storeText(EMPTY_DOCUMENT))
    await expect(readStore(path)).rejects.toMatchObject({
      next: expect.stringContaining('restore-store --generation 2') as string,
    })
    await expect(prepareRestore(path, 1)).rejects.toMatchObject({
      code: 'store-damaged',
      next: expect.stringContaining('--generation 2') as string,
    })
  })

  test('is replaced by the older one and stays beside it, byte for byte', async () => {
    await without('home-a')
    const broken = Buffer.from([0x7b, 0xff, 0x00, 0xc3])
    await writeFile(path, broken)
    await chmod(path, 0o600)
    const restore = await prepareRestore(path, 1)
    expect(restore).toMatchObject({ homes: NAMES, devices: [], differences: null })
    expect(await readFile(path)).toEqual(broken)
    await restore.carryOut()
    expect((await readStore(path)).homes.map((home) => home.name)).toEqual(NAMES)
    const aside = join(folder, 'store.before-restore.json')
    expect(restore.aside).toBe(aside)
    expect(await readFile(aside)).toEqual(broken)
    for (const file of [path, aside]) expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('or not: it is said who comes back with the older one and who goes', async () => {
    await without('home-a', 'home-b', 'home-c')
    await store.update((document) => [joined(document, 'lodge', []).document, null])
    expect((await prepareRestore(path, 1)).differences).toEqual({
      returning: ['home-a', 'home-b', 'home-c'],
      leaving: ['lodge'],
    })
  })
})
