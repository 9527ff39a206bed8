import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { EMPTY_DOCUMENT, type StoreDocument } from '../../../hub/core/store-document.ts'
import type { AnswerPath } from '../../../hub/visitors/answer-path.ts'
import { makeKeptSources, makeSourceMeasuring } from '../../../hub/visitors/kept-sources.ts'
import { type HiddenHosts, openHiddenHosts } from '../../../hub/store/hidden-hosts.ts'
import type { Publication } from '../../../protocol/publications.ts'
import { captureLog } from '../captured-log.ts'
import { turnedClock } from '../turned-clock.ts'

const publication = (port: number, more: Partial<Publication> = {}): Publication => ({
  protocol: 'tcp',
  port,
  lastPort: port,
  address: '192.168.7.20',
  targetPort: port,
  source: 'keep',
  home: 'cabin',
  addedAt: '2026-11-23T10:00:00.000Z',
  ...more,
})

function scene(publications: readonly Publication[], isReady = true, hidden: HiddenHosts | null = null) {
  const store: { document: StoreDocument } = { document: { ...EMPTY_DOCUMENT, publications: [...publications] } }
  const sources = makeKeptSources(store, hidden)
  const asked: string[] = []
  const said = { path: 'past' as AnswerPath, followed: 0 }
  const clock = turnedClock()
  const measuring = makeSourceMeasuring({
    store,
    sources,
    isReady: () => isReady,
    follow: async () => void (said.followed += 1),
    measure: async (address, port) => {
      asked.push(`${address}:${port}`)
      return said.path
    },
    clock,
    log: captureLog().log,
  })
  const led = () => sources.document.publications.map(({ port, source }) => `${port} ${source}`)
  return { store, sources, measuring, asked, said, clock, led }
}

test('visitors are hidden from a host that answers them past the tunnel, and no longer when it does not', async () => {
  const { store, sources, measuring, asked, said, clock, led } = scene([
    publication(443, { protocol: 'udp' }),
    publication(80),
    publication(81, { source: 'hide' }),
    publication(82, { address: '192.168.7.21', home: 'lodge' }),
  ])
  await measuring.all('cabin')
  // A host once, over TCP, and only where addresses should be kept.
  expect(asked).toEqual(['192.168.7.20:80'])
  expect(led()).toEqual(['443 hide', '80 hide', '81 hide', '82 keep'])
  expect(said.followed).toBe(1)
  const notes = sources.document.publications.map(sources.withNote).map(({ port, whyHidden }) => [port, whyHidden])
  expect(notes.filter(([, why]) => why !== undefined).map(([port]) => port)).toEqual([443, 80])
  expect(sources.whyHidden({ home: 'cabin', address: '192.168.7.20' })).toContain('past the tunnel')
  // What was wanted stays written.
  expect(store.document.publications[1]?.source).toBe('keep')
  said.path = 'unknown'
  clock.turn(10_000)
  await measuring.all()
  expect(led()).toContain('80 hide')
  said.path = 'tunnel'
  clock.turn(10_000)
  await measuring.all()
  expect([led(), said.followed]).toEqual([['443 keep', '80 keep', '81 hide', '82 keep'], 2])
})

test('nothing is measured while the home does not answer visitors, nor twice at once', async () => {
  const away = scene([publication(80)], false)
  await away.measuring.all()
  expect([away.asked, away.led()]).toEqual([[], ['80 keep']])
  const here = scene([publication(80)])
  await Promise.all([here.measuring.all(), here.measuring.one(publication(80))])
  expect([here.asked.length, here.led()]).toEqual([1, ['80 hide']])
})

test('a hub that was restarted hides them from its first moment on, until a measurement says otherwise', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-hidden-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'hidden-hosts.json')
  const open = () => openHiddenHosts(path, captureLog().log)
  const before = scene([publication(80)], true, await open())
  await before.measuring.all()
  await expect.poll(() => readFile(path, 'utf8').catch(() => '')).toBe('["cabin 192.168.7.20"]\n')

  const after = scene([publication(80)], true, await open())
  expect(after.led()).toEqual(['80 hide'])
  after.said.path = 'tunnel'
  await after.measuring.all()
  expect(after.led()).toEqual(['80 keep'])
  await expect.poll(() => readFile(path, 'utf8')).toBe('[]\n')
})

test('a host that sends by the hub is measured too, and what it sends past the tunnel is told, not hidden', async () => {
  const { sources, measuring, asked, led } = scene([publication(25, { source: 'hide', outgoing: true })])
  await measuring.all('cabin')
  expect([asked, led()]).toEqual([['192.168.7.20:25'], ['25 hide']])
  const [noted] = sources.document.publications.map(sources.withNote)
  expect(noted?.whyNotOutgoing).toMatch(/192\.168\.7\.20 answers the hub.*leaves by the home’s own line/)
  expect(noted).not.toHaveProperty('whyHidden')
})
