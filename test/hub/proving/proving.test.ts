import { describe, expect, test, vi } from 'vitest'
import type { FailingPort } from '../../../alerts/core/incident.ts'
import { NOTHING_KEPT } from '../../../hub/proving/kept-standings.ts'
import { makeProving, type ProvingDeps } from '../../../hub/proving/proving.ts'
import type { ProofLink, Publication } from '../../../protocol/publications.ts'
import { captureLog } from '../captured-log.ts'
import { turnedClock } from '../turned-clock.ts'
import { publication } from './given.ts'

const web = publication(443)
const mail = publication(25)

const WORKS: readonly ProofLink[] = [{ link: 'service', works: true, said: 'it answers' }]
const REFUSES: readonly ProofLink[] = [{ link: 'service', works: false, said: 'nothing listens there' }]
const UNTOLD: readonly ProofLink[] = [{ link: 'tunnel', works: null, said: 'nothing was heard' }]

interface OpenIncident {
  readonly home: string
  readonly subject: string
  readonly failing: readonly FailingPort[]
}

/** A hub of one home with these publications, whose services answer as `links` says, on a clock that is turned. */
function given(publications: readonly Publication[], more: Partial<ProvingDeps> = {}) {
  const clock = turnedClock()
  const checked: number[] = []
  const told: string[] = []
  const news: string[] = []
  const { log, lines } = captureLog()
  const world = {
    publications,
    links: new Map<number, readonly ProofLink[] | Promise<never>>(),
    heardSeconds: 1 as number | null,
    isDark: false,
    everySeconds: 300,
    open: [] as OpenIncident[],
  }
  const proving = makeProving({
    document: () => ({ publications: world.publications, homes: [] }) as never,
    everySeconds: () => world.everySeconds,
    check: async ({ port }) => {
      checked.push(port)
      const links = await (world.links.get(port) ?? WORKS)
      return { links, answeredPort: links === WORKS ? port : null }
    },
    heardSeconds: () => world.heardSeconds,
    certainSeconds: () => 7.5,
    isDark: () => world.isDark,
    alerting: {
      sign: (home, scope, trouble, since, about) =>
        void told.push(`${home} ${scope} ${trouble} ${(clock.now() - since) / 1_000} s ${about?.subject}`),
      note: (event) => void told.push(`${event.kind} ${'subject' in event ? event.subject : ''}`),
      openOf: () => world.open,
    },
    onNews: (homes) => void news.push(...homes),
    kept: NOTHING_KEPT,
    clock,
    log,
    random: () => 0.5,
    ...more,
  })
  /** Turns the clock in steps of a second, and lets checks end. */
  async function wait(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      clock.turn(1_000)
      await proving.look()
      await new Promise(setImmediate)
    }
  }
  const standing = (one: Publication) => proving.of(one)
  return { world, proving, clock, checked, told, news, lines, wait, standing }
}

describe('publications', () => {
  test('are checked by themselves, each in its turn, and then every five minutes', async () => {
    const { wait, checked, standing } = given([web])
    await wait(14)
    expect(checked).toEqual([])
    expect(standing(web)).toMatchObject({ state: 'unknown', why: 'it is not checked yet' })
    await wait(2)
    expect(checked).toEqual([443])
    expect(standing(web)).toMatchObject({ state: 'proven' })
    await wait(299)
    expect(checked).toHaveLength(1)
    await wait(3)
    expect(checked).toHaveLength(2)
  })

  test('that fail are looked at thrice within seconds; then it is listed, logged, told to home and alarm', async () => {
    const { world, wait, checked, standing, told, news, lines, proving } = given([web])
    await wait(20)
    world.links.set(443, REFUSES)
    news.length = 0
    await wait(310)
    expect(checked.length - 1).toBeGreaterThanOrEqual(3)
    expect(standing(web)).toMatchObject({ state: 'failing', link: 'service', why: 'nothing listens there' })
    expect(told[0]).toMatch(/^cabin publication publication-failing 1[0-2] s 443\/tcp$/)
    expect(news).toEqual(['cabin'])
    expect(lines).toMatchObject([{ msg: 'a published port fails', port: '443/tcp', home: 'cabin', link: 'service' }])
    expect(proving.toldTo('cabin')).toMatchObject({ count: 1, told: [{ port: 443, state: 'failing' }] })
    world.links.delete(443)
    await wait(400)
    expect(standing(web)).toMatchObject({ state: 'proven' })
    expect(lines.at(-1)).toMatchObject({ msg: 'a published port works again' })
    expect(news).toEqual(['cabin', 'cabin'])
  })

  test('of a home that is not heard are not checked, and those of one that fell silent meanwhile not judged', async () => {
    const { world, wait, checked, standing } = given([web])
    world.heardSeconds = null
    await wait(60)
    expect(checked).toEqual([])
    world.heardSeconds = 1
    await wait(2)
    expect(standing(web)).toMatchObject({ state: 'proven' })
    world.heardSeconds = 7.6
    world.links.set(443, REFUSES)
    await wait(400)
    expect(checked.length).toBeGreaterThan(4)
    expect(standing(web)).toMatchObject({ state: 'proven' })
    world.heardSeconds = 7.5
    await wait(30)
    expect(standing(web)).toMatchObject({ state: 'failing' })
  })

  test('of a dark home are proven no longer, nobody is told by them, and they are tried at once when it is back', async () => {
    const { world, wait, checked, standing, told } = given([web])
    await wait(20)
    Object.assign(world, { isDark: true, heardSeconds: null })
    await wait(5)
    expect(standing(web)).toMatchObject({ state: 'failing', link: 'tunnel', why: expect.stringContaining('cabin') })
    expect(told).toEqual([])
    expect(checked).toHaveLength(1)
    Object.assign(world, { isDark: false, heardSeconds: 1 })
    await wait(2)
    expect(checked).toHaveLength(2)
    expect(standing(web)).toMatchObject({ state: 'proven' })
  })

  test('whose check says nothing, or fails by itself, are tried again soon, and stay what they were', async () => {
    const { world, wait, checked, standing, lines } = given([web])
    world.links.set(443, UNTOLD)
    await wait(29)
    expect(checked).toHaveLength(1)
    await wait(16)
    expect(checked).toHaveLength(2)
    expect(standing(web)).toMatchObject({ state: 'unknown', since: null })
    const broken = Promise.reject(new Error('no such home'))
    broken.catch(() => undefined)
    world.links.set(443, broken)
    await wait(16)
    expect(lines.at(-1)).toMatchObject({ msg: 'a published port was not checked', why: 'no such home' })
    expect(standing(web)).toMatchObject({ state: 'unknown', since: null })
  })

  test('four at most are checked at the same time', async () => {
    let underWay = 0
    let most = 0
    const many = Array.from({ length: 40 }, (_, index) => publication(1_000 + index))
    const { wait, proving } = given(many, {
      check: async () => {
        most = Math.max(most, (underWay += 1))
        await new Promise(setImmediate)
        underWay -= 1
        return { links: WORKS, answeredPort: null }
      },
    })
    await wait(60)
    expect(most).toBe(4)
    expect(proving.toldTo('cabin').told.every(({ state }) => state === 'proven')).toBe(true)
    expect(proving.toldTo('cabin')).toMatchObject({ count: 40, told: { length: 16 } })
    expect(proving.toldTo('barn')).toEqual({ count: 0, told: [] })
  })

  test('are checked sooner as soon as the owner wants that', async () => {
    const { world, wait, checked } = given([web])
    await wait(20)
    world.everySeconds = 30
    await wait(29)
    expect(checked).toHaveLength(1)
    await wait(3)
    expect(checked).toHaveLength(2)
  })

  test('are not checked where the owner wants none, and nothing is said of them', async () => {
    const { world, wait, checked, standing, proving } = given([web])
    world.everySeconds = 0
    await wait(60)
    proving.take(web, { links: WORKS, answeredPort: 443 })
    expect(checked).toEqual([])
    expect(standing(web)).toBeNull()
  })
})

describe('a check that somebody asked for', () => {
  test('counts as one of the hub’s own, at once', async () => {
    const { proving, standing, checked, wait } = given([web])
    proving.take(web, { links: WORKS, answeredPort: 443 })
    expect(standing(web)).toMatchObject({ state: 'proven' })
    await wait(100)
    expect(checked).toEqual([])
    proving.take(web, { links: REFUSES, answeredPort: null })
    await wait(12)
    expect(checked).toEqual([443])
  })

  test('of a range says nothing of it when its first port does not answer', () => {
    const range = publication(8_000, { lastPort: 8_010 })
    const { proving, standing } = given([range])
    for (let count = 0; count < 5; count += 1) proving.take(range, { links: REFUSES, answeredPort: null })
    expect(standing(range)).toMatchObject({ state: 'unknown', since: null })
    proving.take(range, { links: WORKS, answeredPort: 8_000 })
    expect(standing(range)).toMatchObject({ state: 'proven' })
  })
})

describe('an incident that is open', () => {
  const open = (subject: string): OpenIncident => ({
    home: 'cabin',
    subject,
    failing: [{ published: subject, target: '192.168.1.20:443', link: 'service', why: '' }],
  })

  test('is kept while its ports are not tried, over when they work, dropped when they are taken back', async () => {
    const { world, wait, told, proving } = given([web])
    world.open = [open('443/tcp'), open('25/tcp')]
    await proving.look()
    expect(told).toEqual(['dropped 25/tcp'])
    world.open = [open('443/tcp')]
    await wait(20)
    expect(told.slice(1).every((one) => one === 'well 443/tcp')).toBe(true)
    expect(told.length).toBeGreaterThan(1)
  })

  test('lasts while its ports fail', async () => {
    const { world, wait, told } = given([web, mail])
    await wait(20)
    for (const port of [443, 25]) world.links.set(port, REFUSES)
    await wait(330)
    world.open = [open('443/tcp')]
    told.length = 0
    await wait(5)
    expect(new Set(told.map((one) => one.split(' ')[1]))).toEqual(new Set(['publication']))
  })
})

test('it runs until it is ended, and writes down what it knows', async () => {
  const saved: string[] = []
  const { proving } = given([web], {
    kept: { remembered: () => null, save: async (_, when) => void saved.push(when) },
  })
  const end = new AbortController()
  const running = proving.run(end.signal)
  await vi.waitFor(() => expect(saved).toContain('seldom'))
  end.abort()
  await running
  expect(saved.at(-1)).toBe('now')
})
