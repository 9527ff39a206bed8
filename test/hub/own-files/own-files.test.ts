import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { begin, change, type HandOver } from '../../../hub/core/hand-over.ts'
import { EMPTY_DOCUMENT } from '../../../hub/core/store-document.ts'
import { handOverFile } from '../../../hub/own-files/hand-over-file.ts'
import { keyFile } from '../../../hub/own-files/key-file.ts'
import { makeOwnFiles } from '../../../hub/own-files/own-files.ts'
import { makeCertificate } from '../../../hub/settings/certificate.ts'
import { readIdentity } from '../../../hub/settings/identity.ts'
import { identityFiles } from '../../../hub/settings/identity-files.ts'
import { openIdentity } from '../../../hub/settings/own-identity.ts'
import { hubPaths } from '../../../hub/settings/paths.ts'
import { openStore } from '../../../hub/store/store.ts'
import { storeText } from '../../../hub/store/store-file.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { privateKeyFrom } from '../../../wireguard/keys.ts'
import { publicKeyOf } from '../../../wireguard/public-key.ts'
import { captureLog } from '../captured-log.ts'

let folder: string
let paths: ReturnType<typeof hubPaths>
const key = privateKeyFrom(randomBytes(32))
const tls = makeCertificate(['203.0.113.10'])

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-hub-'))
  paths = hubPaths({ configDir: join(folder, 'config'), stateDir: join(folder, 'state'), runtimeDir: folder })
  for (const path of [paths.configDir, paths.stateDir]) await mkdir(path, { mode: 0o700 })
  await writeFile(paths.privateKey, `${key}\n`, { mode: 0o600 })
  await writeFile(paths.tlsKey, tls.key, { mode: 0o600 })
  await writeFile(paths.certificate, tls.certificate, { mode: 0o600 })
  await writeFile(paths.store, storeText(EMPTY_DOCUMENT), { mode: 0o600 })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const signal = AbortSignal.timeout(60_000)
const damages = ['', '\n', 'c2VjcmV0\n', null] as const
const put = (path: string, text: string | null) =>
  text === null ? rm(path, { force: true }) : writeFile(path, text, { mode: 0o600 })
const holds = async (path: string): Promise<readonly [string, number]> => [
  (await readFile(path, 'utf8')).trim(),
  (await stat(path)).mode & 0o777,
]

describe('a key of the hub', () => {
  const check = (running: string | null = key, path = paths.privateKey) =>
    keyFile({ ...identityFiles(paths).privateKey, path }, async () => running).check(signal)

  test('that is damaged, empty or gone is written again from what the hub runs with, for nobody else to read', async () => {
    expect(await check()).toEqual({ kind: 'whole' })
    for (const text of damages) {
      await put(paths.privateKey, text)
      expect(await check(`${key}\n`), JSON.stringify(text)).toEqual({ kind: 'restored', was: 'damaged' })
      expect(await holds(paths.privateKey)).toEqual([key, 0o600])
    }
    expect(await readdir(paths.stateDir)).toEqual(['store.json'])
  })

  test('that others may read is closed to them, or told where that cannot be', async () => {
    await chmod(paths.privateKey, 0o644)
    expect(await check()).toEqual({ kind: 'restored', was: 'exposed' })
    expect(await holds(paths.privateKey)).toEqual([key, 0o600])
    await chmod(paths.privateKey, 0o640)
    expect(await check(null)).toEqual({ kind: 'exposed' })
  })

  test('is kept in the state folder where its own cannot be written, is read there, and goes when it is put back', async () => {
    const nowhere = join(folder, 'gone', 'hub.key')
    const copied = { kind: 'copied', copy: paths.copies.privateKey }
    for (let times = 0; times < 2; times += 1) expect(await check(key, nowhere)).toEqual(copied)
    expect(await holds(paths.copies.privateKey)).toEqual([key, 0o600])
    await writeFile(paths.privateKey, '')
    expect(await readIdentity(paths)).toMatchObject({ publicKey: publicKeyOf(key), fromCopies: [paths.privateKey] })
    await writeFile(paths.privateKey, `${key}\n`)
    expect(await readIdentity(paths)).toMatchObject({ fromCopies: [] })
    expect(await check()).toEqual({ kind: 'whole' })
    expect(await readdir(paths.stateDir)).toEqual(['store.json'])
  })

  test('that somebody replaced is left alone, and so is a copy of another', async () => {
    const other = privateKeyFrom(randomBytes(32))
    await writeFile(paths.privateKey, `${other}\n`)
    await writeFile(paths.copies.privateKey, `${key}\n`, { mode: 0o600 })
    expect(await check()).toEqual({ kind: 'another' })
    expect((await readIdentity(paths)).publicKey).toBe(publicKeyOf(other))
    expect(await check(other)).toEqual({ kind: 'whole' })
    expect(await holds(paths.copies.privateKey)).toEqual([key, 0o600])
  })

  test('that nobody has any more is lost, and what the file holds is not repeated', async () => {
    await writeFile(paths.privateKey, 'c2VjcmV0\n')
    expect(await check(null)).toEqual({ kind: 'lost', why: 'no running hub has it' })
    const refused = await readIdentity(paths).catch((thrown: unknown) => String(thrown))
    expect(refused).toMatch(/does not hold what it should/)
    expect(refused).not.toContain('c2VjcmV0')
  })
})

test.each(['privateKey', 'tlsKey', 'certificate'] as const)(
  'a hub whose %s is damaged begins with the copy, and without one it is refused',
  async (name) => {
    const whole = await readIdentity(paths)
    await writeFile(paths.copies[name], await readFile(paths[name], 'utf8'), { mode: 0o600 })
    for (const text of damages) {
      await put(paths[name], text)
      expect(await readIdentity(paths)).toEqual({ ...whole, fromCopies: [paths[name]] })
    }
    await writeFile(paths.copies[name], 'damaged too', { mode: 0o600 })
    await expect(readIdentity(paths)).rejects.toMatchObject({ code: 'config-unreadable' })
    await put(paths[name], '')
    await expect(readIdentity(paths)).rejects.toMatchObject({ code: 'config-invalid', why: 'it is empty' })
  },
)

test('a file that changes while the hub runs is looked at within seconds; what cannot be put right is an alert', async () => {
  const { log, lines } = captureLog()
  const store = await openStore(paths.store, '1.0.0', systemClock)
  const files = makeOwnFiles({
    paths,
    identity: await openIdentity(paths),
    store,
    // None has this hub's key.
    interfaceName: () => 'hw-none',
    clock: systemClock,
    log,
  })
  const told: string[] = []
  const ending = new AbortController()
  const watching = files.watch(
    { sign: (home, scope, trouble) => told.push(`${home} ${scope} ${trouble}`), note: ({ kind }) => told.push(kind) },
    ending.signal,
  )
  await expect.poll(() => told).toContain('well')
  expect(files.warnings()).toEqual([])
  await writeFile(paths.tlsKey, '')
  await writeFile(paths.store, '{"schema":1,"homes":[{')
  await rm(paths.certificate)
  await expect.poll(() => files.warnings().length).toBe(3)
  expect(await readIdentity(paths)).toMatchObject({ tls: { key: tls.key.trim(), certificate: tls.certificate } })
  expect((await openStore(paths.store, '1.0.0', systemClock)).document).toEqual(EMPTY_DOCUMENT)
  expect(told).not.toContain('hub hub-files hub-file-damaged')
  await writeFile(paths.privateKey, '')
  await expect.poll(() => told.at(-1)).toBe('hub hub-files hub-file-damaged')
  await writeFile(paths.privateKey, `${key}\n`)
  await expect.poll(() => told.at(-1)).toBe('well')
  expect(files.warnings()).toHaveLength(3)
  expect(JSON.stringify(lines)).not.toContain(key)
  ending.abort()
  await watching
}, 60_000)

test('after a change of its identity the hub looks after the files of the later one, and no more after the first', async () => {
  const { log } = captureLog()
  const identity = await openIdentity(paths)
  const store = await openStore(paths.store, '1.0.0', systemClock)
  const files = makeOwnFiles({ paths, identity, store, interfaceName: () => 'hw-none', clock: systemClock, log })
  const told: string[] = []
  const ending = new AbortController()
  const watching = files.watch({ sign: () => told.push('trouble'), note: ({ kind }) => told.push(kind) }, ending.signal)
  await expect.poll(() => told).toContain('well')
  const next = await identity.draft(['203.0.113.10'])
  await identity.keep(change(begin(identity.handOver, next, false, new Date()), new Date()))
  const { privateKey, tlsKey } = identityFiles(paths, next.certificate)
  expect(files.privateKeyFile()).toBe(privateKey.path)
  await writeFile(paths.tlsKey, '')
  await writeFile(tlsKey.path, '')
  await expect
    .poll(async () => (await readFile(tlsKey.path, 'utf8')).trim(), { timeout: 20_000 })
    .toBe(identity.tls.key.trim())
  expect(await readFile(paths.tlsKey, 'utf8')).toBe('')
  await expect.poll(() => files.warnings()).toHaveLength(1)
  expect(files.warnings()[0]).toContain(tlsKey.path)
  ending.abort()
  await watching
}, 60_000)

describe('the file that says which identity counts', () => {
  const changed = async () => {
    const identity = await openIdentity(paths)
    const next = await identity.draft(['203.0.113.10'])
    await identity.keep(change(begin(identity.handOver, next, false, new Date()), new Date()))
    return identity
  }

  test.each(['', '{"schema":1,', 'null', null])('damaged (%j) or lost, is read from its copy', async (text) => {
    const { fingerprint, handOver } = await changed()
    if (text === null) await rm(paths.handOver)
    else await writeFile(paths.handOver, text)
    const again = await openIdentity(paths)
    expect([again.fingerprint, again.handOver]).toEqual([fingerprint, handOver])
    expect(await handOverFile(paths, () => again.handOver).check(AbortSignal.timeout(5_000))).toEqual({
      kind: 'restored',
      was: 'damaged',
    })
    expect(JSON.parse(await readFile(paths.handOver, 'utf8'))).toEqual(handOver)
  })

  test('damaged with its copy, is a reason not to begin', async () => {
    await changed()
    await writeFile(paths.handOver, '')
    await writeFile(paths.handOverCopy, '{')
    await expect(openIdentity(paths)).rejects.toMatchObject({ code: 'config-invalid' })
    await rm(paths.handOverCopy)
    await expect(openIdentity(paths)).rejects.toMatchObject({ code: 'config-invalid' })
  })

  test('is none before the first change, which is whole; of an older hub it has no copy, and gets one', async () => {
    const identity = await openIdentity(paths)
    const look = (of: () => HandOver) => handOverFile(paths, of).check(AbortSignal.timeout(5_000))
    expect(await look(() => identity.handOver)).toEqual({ kind: 'whole' })
    const later = await changed()
    await rm(paths.handOverCopy)
    expect(await look(() => later.handOver)).toEqual({ kind: 'whole' })
    expect(await readFile(paths.handOverCopy, 'utf8')).toBe(await readFile(paths.handOver, 'utf8'))
    expect(await look(() => identity.handOver)).toEqual({ kind: 'another' })
  })
})
