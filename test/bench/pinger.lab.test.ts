import { afterAll, beforeAll, expect, test } from 'vitest'
import { longestGap } from '../../bench/recovery/answers.ts'
import { monotonicSeconds, startPinger } from '../../bench/pinger.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Host } from '../lab/host/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'

const OTHER = '198.18.0.2'

let lab: Lab
let one: Host
let other: Host

beforeAll(async () => {
  lab = await createLab()
  ;[one, other] = (await lab.addHosts([{ name: 'one' }, { name: 'other' }])) as [Host, Host]
  await lab.connect([
    [
      { host: one, interface: 'eth0', addresses: ['198.18.0.1/30'] },
      { host: other, interface: 'eth0', addresses: [`${OTHER}/30`] },
    ],
  ])
})
afterAll(() => lab.close())

test('goes on while there is no route and nobody answers, and tells how long that was', async () => {
  const pinger = startPinger(one, [OTHER, '192.0.2.1'])
  const began = monotonicSeconds()
  expect(await pinger.firstAnswer(OTHER, began, 30_000)).toMatchObject({ from: OTHER })

  await one.run('ip', ['link', 'set', 'dev', 'eth0', 'down'])
  const downAt = monotonicSeconds()
  await sleep(500)
  expect(await pinger.firstAnswer(OTHER, downAt, 100)).toBeUndefined()
  await one.run('ip', ['link', 'set', 'dev', 'eth0', 'up'])

  const answer = await pinger.firstAnswer(OTHER, downAt, 30_000)
  const outage = (answer?.receivedAt ?? Infinity) - downAt
  expect(outage).toBeGreaterThan(0.5)
  expect(outage).toBeLessThan(30)
  // The last answer before came up to one interval before the link went, which was known a little later.
  const gap = longestGap(pinger.answers, downAt)
  expect(gap).toBeGreaterThanOrEqual(outage)
  expect(gap).toBeLessThan(outage + 10)
  expect(pinger.answers.every(({ from }) => from === OTHER)).toBe(true)
  await pinger.stop()
})
