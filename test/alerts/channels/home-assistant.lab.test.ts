import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { homeAssistant } from '../../../alerts/channels/home-assistant.ts'
import type { Channel, Snapshot } from '../../../alerts/transport/channel.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { type Broker, openBroker } from './broker.ts'
import { validDiscovery } from './discovery-form.ts'

/** A real broker (mosquitto), restarted under its clients. */
let broker: Broker
const open: (Channel | MqttClient)[] = []

beforeAll(async () => {
  broker = await openBroker({ keeps: false })
})
afterEach(async () => {
  for (const one of open.splice(0)) await ('endAsync' in one ? one.endAsync(true) : one.close?.())
})
afterAll(() => broker.close())

const snapshot: Snapshot = {
  end: 'home',
  version: '0.1.0',
  homes: [
    {
      name: 'cabin',
      isUp: true,
      state: 'up',
      cause: null,
      rttMs: 12.5,
      handshakeAt: '2026-11-23T03:12:05.000Z',
      rxBytes: 1,
      txBytes: 2,
      mapping: '198.51.100.11:40233',
    },
  ],
}
const CONFIG = 'homeassistant/device/homeward_home_cabin/config'
const STATE = 'homeward/home/cabin/state'

async function channel(): Promise<Channel> {
  const made = await homeAssistant(
    { kind: 'homeassistant', broker: broker.url, discoveryPrefix: 'homeassistant', everySeconds: 60 },
    'home',
    null,
  )
  open.push(made)
  return made
}

/** Everything that is published from now on, and what the broker keeps. */
async function listener(): Promise<{
  readonly seen: Map<string, string>
  readonly client: MqttClient
  readonly order: string[]
}> {
  const client = await mqtt.connectAsync(broker.url, { reconnectPeriod: 200 })
  open.push(client)
  const seen = new Map<string, string>()
  const order: string[] = []
  client.on('message', (topic, payload) => {
    seen.set(topic, payload.toString())
    order.push(topic)
  })
  await client.subscribeAsync(['homeassistant/#', 'homeward/#'])
  return { seen, client, order }
}

async function until(isSo: () => boolean): Promise<void> {
  const end = Date.now() + 60_000
  while (!isSo()) {
    if (Date.now() > end) throw new Error('it did not come to pass within a minute')
    await sleep(50)
  }
}

const availabilityIn = (seen: ReadonlyMap<string, string>): string | undefined =>
  [...seen].find(([topic]) => topic.endsWith('/availability'))?.[1]

test('the discovery document has the documented form, and everything it names is published', async () => {
  const made = await channel()
  await made.snapshot!(snapshot, AbortSignal.timeout(30_000))
  // Retained: whoever comes later finds all of it.
  const { seen } = await listener()
  await until(() => seen.has(CONFIG) && seen.has(STATE) && availabilityIn(seen) === 'online')
  const config = validDiscovery(JSON.parse(seen.get(CONFIG)!))
  expect(config.stat_t).toBe(STATE)
  expect([...seen.keys()]).toContain(config.avty[0]!.t)
  const state = JSON.parse(seen.get(STATE)!) as Record<string, unknown>
  expect(state).toEqual({
    up: 'ON',
    state: 'up',
    cause: 'none',
    rtt: 12.5,
    handshake: '2026-11-23T03:12:05.000Z',
    rx: 1,
    tx: 2,
    mapping: '198.51.100.11:40233',
  })
  for (const { value_template: template } of Object.values(config.cmps))
    if (template !== undefined) expect(state).toHaveProperty(/^\{\{ value_json\.(\w+) \}\}$/.exec(template)![1]!)
})

test('a broker that is restarted, and forgot all it kept, has all of it again', async () => {
  const made = await channel()
  await made.snapshot!(snapshot, AbortSignal.timeout(30_000))
  await broker.stop()
  await broker.start()
  const { seen } = await listener()
  await until(() => seen.has(CONFIG) && seen.has(STATE) && availabilityIn(seen) === 'online')
  validDiscovery(JSON.parse(seen.get(CONFIG)!))
})

test('Home Assistant that comes up again is told everything once more', async () => {
  const made = await channel()
  await made.snapshot!(snapshot, AbortSignal.timeout(30_000))
  const { seen, client, order } = await listener()
  await until(() => seen.has(CONFIG) && seen.has(STATE))
  order.length = 0
  await client.publishAsync('homeassistant/status', 'online')
  await until(() => order.includes(CONFIG) && order.includes(STATE))
})

test('an end that goes says so, and the broker says it of one that is killed', async () => {
  const made = await channel()
  await made.snapshot!(snapshot, AbortSignal.timeout(30_000))
  const { seen } = await listener()
  await until(() => availabilityIn(seen) === 'online')
  await made.close!()
  await until(() => availabilityIn(seen) === 'offline')
})

test('an alert is an event of the home’s device', async () => {
  const made = await channel()
  await made.snapshot!(snapshot, AbortSignal.timeout(30_000))
  const { seen } = await listener()
  await until(() => seen.has(CONFIG))
  await made.send!(
    { id: 'i', kind: 'down', at: '2026-11-23T03:12:05.000Z', home: 'cabin', title: 't', text: 'x', incident: null },
    AbortSignal.timeout(30_000),
  )
  await until(() => seen.has('homeward/home/cabin/alert'))
  expect(JSON.parse(seen.get('homeward/home/cabin/alert')!)).toMatchObject({
    event_type: 'bad',
    kind: 'down',
    title: 't',
  })
})

test('without a broker the alert waits for its turn, and nothing else does', async () => {
  await broker.stop()
  try {
    const made = await channel()
    await expect(made.snapshot!(snapshot, AbortSignal.timeout(1_000))).rejects.toThrow(/does not answer/)
  } finally {
    await broker.start()
  }
})
