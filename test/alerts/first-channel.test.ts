import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Alerting, openAlerting } from '../../alerts/alerting.ts'
import { readIncidents } from '../../alerts/record/incident-log.ts'
import { sleep } from '../../system/time/sleep.ts'
import { type AlertReceiver, openAlertReceiver } from '../fake/alert-receiver.ts'
import { captureLog } from '../hub/captured-log.ts'
import { turnedClock } from '../hub/turned-clock.ts'

/** The alarm of a hub with its files, on a clock that is turned by hand. */
let receiver: AlertReceiver
let folder: string
let end: (() => Promise<void>)[]
const clock = turnedClock()

beforeAll(async () => {
  receiver = await openAlertReceiver(null)
})
afterAll(() => receiver.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  end = []
})
afterEach(async () => {
  for (const one of end) await one()
  await rm(folder, { recursive: true })
})

async function start(): Promise<{ readonly alerting: Alerting; readonly stop: () => Promise<void> }> {
  const alerting = await openAlerting({
    end: 'hub',
    name: () => 'hub',
    configDir: folder,
    stateDir: folder,
    snapshot: async () => ({ end: 'hub', version: '0', homes: [] }),
    clock,
    log: captureLog().log,
  })
  const ending = new AbortController()
  const running = alerting.run(ending.signal)
  const stop = async (): Promise<void> => {
    ending.abort()
    await running
  }
  end.push(stop)
  return { alerting, stop }
}

async function until(isSo: () => boolean): Promise<void> {
  const limit = Date.now() + 30_000
  while (!isSo()) {
    if (Date.now() > limit) throw new Error('it did not come to pass within 30 s')
    await sleep(20)
  }
}

const channels = (...names: readonly string[]): Promise<void> =>
  writeFile(
    join(folder, 'alerts.yaml'),
    `channels: { ${names.map((name) => `${name}: "http://127.0.0.1:${receiver.port}${folder}"`).join(', ')} }\n`,
    { mode: 0o600 },
  )
const hasChannel = (alerting: Alerting, name: string) => () => alerting.channels().some((one) => one.name === name)

function outage(alerting: Alerting, home: string): void {
  const began = clock.now()
  alerting.sign(home, 'tunnel', 'home-dark', began)
  clock.turn(120_000)
  alerting.sign(home, 'tunnel', 'home-dark', began)
}

function recovery(alerting: Alerting, home: string): void {
  alerting.note({ kind: 'well', home, scope: 'tunnel', since: clock.now() })
  clock.turn(30_000)
  // Any event, for the rules to look at the clock.
  alerting.note({ kind: 'homes', homes: ['cabin', 'barn'] })
}

const told = (): readonly string[] =>
  receiver.received
    .filter(({ path }) => path === folder)
    .map(({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title)

test('the first channel tells what lasts, and nothing of what was over before it existed', async () => {
  const { alerting } = await start()
  outage(alerting, 'cabin')
  recovery(alerting, 'cabin')
  outage(alerting, 'barn')
  await channels('phone')
  await until(hasChannel(alerting, 'phone'))
  await until(() => told().length > 0)
  expect(told()).toEqual(['barn: no sign of the home'])
  // All of it is in the record.
  expect((await readIncidents(folder)).map(({ home, silenced }) => [home, silenced])).toEqual([
    ['cabin', true],
    ['barn', undefined],
  ])
}, 60_000)

test('nor after a restart, when the channel came meanwhile', async () => {
  const { alerting, stop } = await start()
  outage(alerting, 'cabin')
  recovery(alerting, 'cabin')
  await stop()
  await channels('phone')
  const later = await start()
  outage(later.alerting, 'barn')
  await until(() => told().length > 0)
  expect(told()).toEqual(['barn: no sign of the home'])
}, 60_000)

test('what waits for a channel waits for it under its new name', async () => {
  await channels('phone')
  receiver.behave(folder, { status: 500 })
  const { alerting } = await start()
  outage(alerting, 'cabin')
  await until(() => told().length > 0)
  await channels('mobile')
  await until(hasChannel(alerting, 'mobile'))
  expect(alerting.channels()).toMatchObject([{ name: 'mobile', waiting: 1 }])
}, 60_000)
