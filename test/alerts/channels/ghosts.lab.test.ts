import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Alerting, openAlerting } from '../../../alerts/alerting.ts'
import type { HomeSnapshot } from '../../../alerts/transport/channel.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { captureLog } from '../../hub/captured-log.ts'
import { turnedClock } from '../../hub/turned-clock.ts'
import { type Broker, openBroker } from './broker.ts'

/** What Home Assistant would go on showing: the alarm of a hub, and a real broker that keeps what it is given. */
let folder: string
let broker: Broker
let homes: readonly string[]
let close: (() => Promise<void>)[]
const clock = turnedClock()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  broker = await openBroker({ keeps: true })
  homes = ['cabin', 'barn']
  close = []
})
afterEach(async () => {
  for (const one of close) await one()
  await broker.close()
  await rm(folder, { recursive: true })
})

async function start(): Promise<{ readonly alerting: Alerting; readonly stop: () => Promise<void> }> {
  const alerting = await openAlerting({
    end: 'hub',
    name: () => 'hub',
    configDir: folder,
    stateDir: folder,
    snapshot: async () => ({ end: 'hub', version: '0', homes: homes.map(pulseOf) }),
    clock,
    log: captureLog().log,
  })
  const ending = new AbortController()
  const running = alerting.run(ending.signal)
  const stop = async (): Promise<void> => {
    ending.abort()
    await running
  }
  close.push(stop)
  return { alerting, stop }
}

const pulseOf = (name: string): HomeSnapshot => ({
  name,
  isUp: true,
  state: 'up',
  cause: null,
  rttMs: null,
  handshakeAt: null,
  rxBytes: 0,
  txBytes: 0,
  mapping: null,
})

const settings = (prefix: string | null, other?: Broker): Promise<void> =>
  writeFile(
    join(folder, 'alerts.yaml'),
    prefix === null
      ? 'channels: {}\n'
      : `channels:\n  ha: { kind: homeassistant, broker: "${(other ?? broker).url}", discoveryPrefix: ${prefix}, everySeconds: 5 }\n`,
    { mode: 0o600 },
  )

/** Which homes it is told of, by their documents and their states. */
async function shown(of = broker): Promise<readonly string[]> {
  return [...(await of.kept()).keys()]
    .filter((topic) => !topic.endsWith('/availability'))
    .map((topic) => topic.replace(/^homeward\/hub\/(\w+)\/state$/, '$1 state').replace('/device/homeward_hub_', ' '))
    .sort()
}

const ALL = ['barn state', 'cabin state', 'homeassistant barn/config', 'homeassistant cabin/config']
const CABIN = ['cabin state', 'homeassistant cabin/config']
const showsSoon = (wanted: readonly string[], of?: Broker) =>
  expect.poll(() => shown(of), { timeout: 60_000, interval: 200 }).toEqual(wanted)

test('a home that is removed is gone there at once', async () => {
  await settings('homeassistant')
  const { alerting } = await start()
  await showsSoon(ALL)
  homes = ['cabin']
  alerting.note({ kind: 'homes', homes })
  await showsSoon(CABIN)
})

test('a home that was removed while nothing ran is gone there after the start', async () => {
  await settings('homeassistant')
  const { stop } = await start()
  await showsSoon(ALL)
  await stop()
  homes = ['cabin']
  await start()
  await showsSoon(CABIN)
})

test('a home that was removed while the broker was away is gone there when it is back', async () => {
  await settings('homeassistant')
  const { alerting } = await start()
  await showsSoon(ALL)
  await broker.stop()
  homes = ['cabin']
  alerting.note({ kind: 'homes', homes })
  await sleep(1_000)
  await broker.start()
  await showsSoon(CABIN)
}, 300_000)

test('another prefix takes the place of the first', async () => {
  await settings('homeassistant')
  await start()
  await showsSoon(ALL)
  await settings('ha')
  await showsSoon(['barn state', 'cabin state', 'ha barn/config', 'ha cabin/config'])
})

test('a channel that is removed leaves nothing, not even whether we are there; also when it went while nothing ran', async () => {
  await settings('homeassistant')
  const { stop } = await start()
  await showsSoon(ALL)
  await settings(null)
  await showsSoon([])
  expect([...(await broker.kept()).keys()]).toEqual([])
  await settings('homeassistant')
  await showsSoon(ALL)
  await stop()
  await settings(null)
  await start()
  await showsSoon([])
})

test('the broker that was left is cleared when it is back, and the new one shows all, although both may be one', async () => {
  const next = await openBroker({ keeps: true })
  close.push(next.close)
  await settings('homeassistant')
  await start()
  await showsSoon(ALL)
  await broker.stop()
  await settings('homeassistant', next)
  await showsSoon(ALL, next)
  await broker.start()
  expect(await shown()).toEqual(ALL)
  // As if a minute had passed, and one more.
  clock.turn(120_000)
  await showsSoon([])
  await showsSoon(ALL, next)
}, 300_000)

test('a mistake in the file takes nothing away', async () => {
  await settings('homeassistant')
  const { stop } = await start()
  await showsSoon(ALL)
  await stop()
  await writeFile(join(folder, 'alerts.yaml'), 'channels: [')
  await start()
  await sleep(3_000)
  expect(await shown()).toEqual(ALL)
  await settings('homeassistant')
  homes = ['cabin']
  await showsSoon(CABIN)
})
