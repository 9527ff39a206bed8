import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import type { RouterSystem } from '../../lab/places/home-router.ts'
import type { Home } from '../../lab/places/home.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { isLong, someOf } from '../../long.ts'
import { inviteHome, startAgent, startHub, statusOf, waitForStatus } from '../lab-home.ts'

/** A home router that tells of its changes. */
interface TellingRouter extends RouterSystem {
  readonly console: (script: string) => Promise<string>
  /** How often it was looked at. */
  readonly looks: () => Promise<number>
}

export interface RouterEvents<System extends TellingRouter> {
  readonly start: (lab: Lab) => Promise<System>
  readonly options: (system: System, home: Home) => Promise<readonly string[]>
  /** What is deleted, by name, each with what tells that it is back. */
  readonly deletions: Readonly<Record<string, readonly [script: string, isBack: (system: System) => Promise<boolean>]>>
  /** How often it is asked whether that is back: on one of them each time starts programs. */
  readonly askMs: number
  /** The change that heals is over, and not only made. */
  readonly isKept: (system: System) => Promise<boolean>
  /** Of those, what the tunnel does not feel: no heartbeat is lost for it. */
  readonly unfelt: readonly string[]
  /** The session that tells ends without a word, or its program hangs. */
  readonly silence: (system: System) => Promise<void>
  /** Other ends of what tells, by name. */
  readonly ends: Readonly<Record<string, (system: System) => Promise<unknown>>>
  /** What is left of earlier sessions that told; nothing. */
  readonly leftovers: (system: System) => Promise<string>
  /** What is tried on this router in the usual run; the other one is in the long run. */
  readonly usual: 'flood' | 'silence'
  /** So many changes in a row that are nobody's business here. */
  readonly flood: (system: System) => Promise<unknown>
}

export function routerEvents<System extends TellingRouter>(how: RouterEvents<System>): void {
  let lab: Lab
  let picture: Picture
  let system: System

  beforeAll(async () => {
    lab = await createLab()
    system = await how.start(lab)
    picture = await buildPicture(lab, { system })
    await startHub(picture)
    const options = [...(await how.options(system, picture.home)), '--yes']
    await picture.home.pi.homeward(['join', await inviteHome(picture), ...options])
    await startAgent(picture.home.pi)
  })
  afterAll(() => lab?.close())

  /** Looks have become rare: none for longer than there is between two where nothing is told. */
  async function untilCarefree(): Promise<void> {
    const { pi } = picture.home
    await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.remedy === null)
    let looks = await system.looks()
    let since = performance.now()
    await expect
      .poll(
        async () => {
          const now = await system.looks()
          if (now !== looks) since = performance.now()
          looks = now
          return performance.now() - since
        },
        { timeout: 180_000, interval: 500 },
      )
      .toBeGreaterThan(10_000)
  }

  /** @returns how long it took, milliseconds. */
  async function healed(name: string): Promise<number> {
    const [script, isBack] = how.deletions[name] ?? ['', async () => true]
    await system.console(script)
    const began = performance.now()
    await expect.poll(() => isBack(system), { timeout: 60_000, interval: how.askMs, message: name }).toBe(true)
    const took = performance.now() - began
    await expect.poll(() => how.isKept(system), { timeout: 60_000, interval: 50, message: name }).toBe(true)
    return took
  }

  test('a calm minute takes a look or two, and what is deleted then is there again by the event alone', async () => {
    await untilCarefree()
    const took: number[] = []
    for (let time = 0; time < (isLong ? 10 : 4); time += 1)
      took.push(await healed(how.unfelt[time % how.unfelt.length] ?? ''))
    tell('deletions that the tunnel does not feel', took)
    // A look comes a minute after the last one: so many in a row were not found by that.
    expect(took.filter((milliseconds) => milliseconds > 20_000)).toEqual([])
    await untilCarefree()
    const before = await system.looks()
    await sleep(30_000)
    expect((await system.looks()) - before).toBeLessThanOrEqual(2)
  })

  test('each of ours is healed, many times in a row', async () => {
    const names = someOf(Object.keys(how.deletions), 4)
    const times = isLong ? 20 : names.length
    const took: number[] = []
    for (let time = 0; time < times; time += 1) {
      await waitForStatus(picture.home.pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.remedy === null)
      const name = names[time % names.length] ?? ''
      took.push(await healed(name))
      if ((took.at(-1) ?? 0) > 3_000) process.stderr.write(`${name} took ${took.at(-1)?.toFixed(0)} ms\n`)
    }
    tell('all deletions', took)
    expect((await statusOf(picture.home.pi)).tunnel.state).toBe('up')
  })

  test.runIf(isLong || how.usual === 'flood')(
    'a flood of what is nobody’s business leads to no more looks than ever',
    async () => {
      await untilCarefree()
      const before = await system.looks()
      const began = performance.now()
      await how.flood(system)
      const seconds = (performance.now() - began) / 1_000
      // At most six of a row of growing pauses, and one each eight seconds; the last ones are the minute's own.
      expect((await system.looks()) - before).toBeLessThanOrEqual(9 + seconds / 8)
    },
  )

  test('whatever ends what tells, it is heard again, and nothing of it stays', async () => {
    for (const [name, end] of someOf(Object.entries(how.ends), 2)) {
      await end(system)
      await healed(how.unfelt[0] ?? '')
      await untilCarefree()
      expect(await how.leftovers(system), name).toBe('')
    }
  })

  test.runIf(isLong || how.usual === 'silence')(
    'what falls silent without a word is noticed, and looks are as frequent as ever',
    async () => {
      await untilCarefree()
      const before = await system.looks()
      await how.silence(system)
      await expect.poll(() => system.looks(), { timeout: 60_000, interval: 500 }).toBeGreaterThan(before + 1)
      await healed(how.unfelt[0] ?? '')
    },
  )
}

function tell(what: string, took: readonly number[]): void {
  const sorted = [...took].sort((a, b) => a - b)
  const [median = 0, worst = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
  process.stderr.write(`${what}: healed after ${median.toFixed(0)} ms (median), ${worst.toFixed(0)} ms at worst\n`)
}
