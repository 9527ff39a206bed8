import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Book, keyOf } from '../../../hub/proving/book.ts'
import { openKeptStandings } from '../../../hub/proving/kept-standings.ts'
import type { Standing } from '../../../hub/proving/standing.ts'
import { captureLog } from '../captured-log.ts'
import { turnedClock } from '../turned-clock.ts'
import { fresh, isoAt, PROVEN, publication, REFUSED } from './given.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-proofs-'))
})
afterAll(() => rm(folder, { recursive: true }))

const web = publication(443)
const key = keyOf(web)
const bookOf = (more: Partial<Standing>): Book =>
  new Map([[key, { publication: web, standing: { ...fresh, ...more } }]])
const clockAt = (seconds: number) => turnedClock(isoAt(seconds))
const open = (path: string, clock = clockAt(0)) => openKeptStandings(path, clock, captureLog().log)
const proven = { verdict: PROVEN, since: isoAt(-900), provenAt: isoAt(-10), worked: true, answeredPort: 443 }

test('what is known outlives a restart', async () => {
  const path = join(folder, 'proofs.json')
  await (await open(path)).save(bookOf(proven), 'now')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const after = await open(path, clockAt(60))
  expect(after.remembered(key)).toEqual({ ...fresh, ...proven, dueAt: 0 })
  expect(after.remembered('cabin 80/tcp')).toBeNull()
})

test('a failure stays one, and what people are told of together with it, however long nobody looked', async () => {
  const path = join(folder, 'failing.json')
  const failing = { ...proven, verdict: REFUSED, group: { name: '80/tcp', at: 77 } }
  await (await open(path)).save(bookOf(failing), 'now')
  const after = (await open(path, clockAt(1e6))).remembered(key)
  expect(after).toMatchObject({ verdict: REFUSED, since: isoAt(-900), group: { name: '80/tcp', at: -Infinity } })
})

test('what nobody looked at for ten minutes is proven anew', async () => {
  const path = join(folder, 'old.json')
  await (await open(path)).save(bookOf(proven), 'now')
  expect((await open(path, clockAt(590))).remembered(key)).toMatchObject({ verdict: PROVEN })
  expect((await open(path, clockAt(591))).remembered(key)).toMatchObject({
    verdict: null,
    since: null,
    provenAt: isoAt(-10),
    worked: true,
  })
})

test('a verdict is written at once, a proof of the same every five minutes, and at the end', async () => {
  const path = join(folder, 'seldom.json')
  const clock = clockAt(0)
  const kept = await open(path, clock)
  const written = async () => (JSON.parse(await readFile(path, 'utf8')) as Record<string, Standing>)[key]?.provenAt
  await kept.save(bookOf(proven), 'seldom')
  expect(await written()).toBe(isoAt(-10))
  clock.turn(299_000)
  await kept.save(bookOf({ ...proven, provenAt: isoAt(1) }), 'seldom')
  expect(await written()).toBe(isoAt(-10))
  await kept.save(bookOf({ ...proven, provenAt: isoAt(2) }), 'now')
  expect(await written()).toBe(isoAt(2))
  clock.turn(300_000)
  await kept.save(bookOf({ ...proven, provenAt: isoAt(3) }), 'seldom')
  expect(await written()).toBe(isoAt(3))
  await kept.save(bookOf({ ...proven, verdict: REFUSED, since: isoAt(4) }), 'seldom')
  expect(JSON.parse(await readFile(path, 'utf8'))).toHaveProperty([key, 'verdict', 'kind'], 'failing')
  await kept.save(new Map(), 'seldom')
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({})
})

test.each(['', '{', '[]', `{"${key}":{"verdict":{"kind":"proven"}}}`, `{"${key}":7}`])(
  'a damaged file knows nothing: %s',
  async (text) => {
    const path = join(folder, 'damaged.json')
    await writeFile(path, text)
    expect((await open(path)).remembered(key)).toBeNull()
  },
)

test('a disk that takes nothing is a warning', async () => {
  const { log, lines } = captureLog()
  const kept = await openKeptStandings(join(folder, 'none', 'proofs.json'), clockAt(0), log)
  await kept.save(bookOf(proven), 'now')
  expect(lines).toMatchObject([{ msg: 'what is known of published ports could not be written down' }])
})
