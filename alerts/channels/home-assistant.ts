import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { MqttClient } from 'mqtt'
import { sleep } from '../../system/time/sleep.ts'
import { type Channel, type HomeSnapshot, type Snapshot, Undelivered } from '../transport/channel.ts'
import type { End } from '../core/trouble.ts'
import { hostOf } from '../transport/broker-host.ts'
import { weightOf } from '../record/message.ts'
import type { Retained } from '../transport/retained.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/**
 * Home Assistant, by MQTT with device discovery (home-assistant.io/integrations/mqtt): for each home one retained
 * document says what there is, and one retained topic its state; the broker says by our last will that we are gone.
 * Everything is published again after each connection, and when Home Assistant starts again. Topics of homes that are
 * gone are cleared with the next snapshot, as are those that an earlier run left.
 * @param retained null where nothing is published but a message.
 */
export async function homeAssistant(
  settings: Extract<ChannelSettings, { kind: 'homeassistant' }>,
  end: End,
  retained: Retained | null,
): Promise<Channel> {
  const { broker, user, password, discoveryPrefix, everySeconds } = settings
  const { default: mqtt } = await import('mqtt')
  const status = `${discoveryPrefix}/status`
  let client: MqttClient | null = null
  let latest: Snapshot | null = null

  function connection(): MqttClient {
    if (client !== null) return client
    const mine = mqtt.connect(broker, {
      // A second client of the same name would end the first.
      clientId: `homeward-${end}-${randomBytes(4).toString('hex')}`,
      ...(user === undefined ? {} : { username: user, password: password ?? '' }),
      protocolVersion: 4,
      clean: true,
      connectTimeout: 10_000,
      reconnectPeriod: 5_000,
      keepalive: 30,
      // What could not be published is published again after the connection, in its state of then.
      queueQoSZero: false,
      will: { topic: availability(end), payload: Buffer.from('offline'), qos: 1, retain: true },
    })
    mine.on('error', () => undefined)
    mine.on('connect', () => {
      mine.subscribe(status, { qos: 1 })
      if (latest !== null) publishAll(mine, latest, discoveryPrefix)
    })
    mine.on('message', (topic, payload) => {
      if (topic === status && payload.toString() === 'online' && latest !== null)
        publishAll(mine, latest, discoveryPrefix)
    })
    client = mine
    return mine
  }

  /** Waits for the connection. @throws {Undelivered} when the broker is not there in time. */
  async function ready(signal: AbortSignal): Promise<MqttClient> {
    const mine = connection()
    while (!mine.connected) {
      if (signal.aborted) throw new Undelivered(`${hostOf(broker)}: the broker does not answer`)
      await sleep(100, signal)
    }
    return mine
  }

  async function publish(topic: string, payload: string, retain: boolean, signal: AbortSignal): Promise<void> {
    const done = (await ready(signal)).publishAsync(topic, payload, { qos: 1, retain })
    done.catch(() => undefined)
    await Promise.race([done, late(signal)])
  }

  return {
    snapshotSeconds: everySeconds,
    snapshot: async (snapshot, signal) => {
      const mine = await ready(signal)
      const topics = topicsOf(snapshot, discoveryPrefix)
      await retained?.remember(settings, topics)
      const known = new Set(latest?.homes.map(({ name }) => name))
      latest = snapshot
      if (snapshot.homes.some(({ name }) => !known.has(name))) publishAll(mine, snapshot, discoveryPrefix)
      for (const home of snapshot.homes) await publish(stateTopic(end, home.name), stateOf(home), true, signal)
      const gone = (retained?.topics(settings) ?? []).filter((topic) => !topics.includes(topic))
      for (const topic of gone) await publish(topic, '', true, signal)
      await retained?.forget(settings, gone)
    },
    send: async (message, signal) => {
      const { title, text, at, kind, home, incident } = message
      const payload = JSON.stringify({ event_type: weightOf(message), kind, title, text, at, incident })
      await publish(alertTopic(end, home), payload, false, signal)
    },
    close: async () => {
      if (client === null) return
      if (client.connected && latest !== null) client.publish(availability(end), 'offline', { qos: 1, retain: true })
      await Promise.race([client.endAsync(false), late(AbortSignal.timeout(2_000))]).catch(() => undefined)
      client.end(true)
    },
  }
}

function publishAll(client: MqttClient, snapshot: Snapshot, prefix: string): void {
  const { end, homes } = snapshot
  const retained = { qos: 1, retain: true } as const
  for (const home of homes) {
    client.publish(configTopic(prefix, end, home.name), JSON.stringify(discovery(snapshot, home)), retained)
    client.publish(stateTopic(end, home.name), stateOf(home), retained)
  }
  client.publish(availability(end), 'online', retained)
}

/** All topics that are published retained. */
function topicsOf({ end, homes }: Snapshot, prefix: string): readonly string[] {
  return [...homes.flatMap(({ name }) => [configTopic(prefix, end, name), stateTopic(end, name)]), availability(end)]
}

/** The document of device discovery, with the abbreviations of its manual. */
export function discovery({ end, version }: Snapshot, { name }: Pick<HomeSnapshot, 'name'>): unknown {
  const id = nodeId(end, name)
  const of = (key: string) => ({ unique_id: `${id}_${key}`, value_template: `{{ value_json.${key} }}` })
  const diagnostic = { p: 'sensor', entity_category: 'diagnostic' } as const
  return {
    dev: {
      ids: [id],
      name: end === 'home' ? `${name} tunnel` : `${name} seen by the hub`,
      mf: 'homeward',
      mdl: end === 'home' ? 'agent' : 'hub',
      sw: version,
    },
    o: { name: 'homeward', sw: version },
    avty: [{ t: availability(end) }],
    stat_t: stateTopic(end, name),
    qos: 1,
    cmps: {
      up: {
        p: 'binary_sensor',
        ...of('up'),
        name: 'Tunnel',
        device_class: 'connectivity',
        payload_on: 'ON',
        payload_off: 'OFF',
      },
      state: { ...diagnostic, ...of('state'), name: 'State' },
      cause: { ...diagnostic, ...of('cause'), name: 'Cause' },
      handshake: { ...diagnostic, ...of('handshake'), name: 'Last handshake', device_class: 'timestamp' },
      rtt: {
        p: 'sensor',
        ...of('rtt'),
        name: 'Latency',
        device_class: 'duration',
        unit_of_measurement: 'ms',
        state_class: 'measurement',
      },
      rx: {
        p: 'sensor',
        ...of('rx'),
        name: 'Received',
        device_class: 'data_size',
        unit_of_measurement: 'B',
        state_class: 'total_increasing',
      },
      tx: {
        p: 'sensor',
        ...of('tx'),
        name: 'Sent',
        device_class: 'data_size',
        unit_of_measurement: 'B',
        state_class: 'total_increasing',
      },
      mapping: { ...diagnostic, ...of('mapping'), name: 'Carrier’s mapping' },
      alert: {
        p: 'event',
        unique_id: `${id}_alert`,
        name: 'Alert',
        state_topic: alertTopic(end, name),
        event_types: ['bad', 'good', 'neutral'],
      },
    },
  }
}

function stateOf({ isUp, state, cause, rttMs, handshakeAt, rxBytes, txBytes, mapping }: HomeSnapshot): string {
  return JSON.stringify({
    // Home Assistant's word for a state that is not known (mqtt/const.py, PAYLOAD_NONE).
    up: isUp === null ? 'None' : isUp ? 'ON' : 'OFF',
    state,
    cause: cause ?? 'none',
    rtt: rttMs,
    handshake: handshakeAt,
    rx: rxBytes,
    tx: txBytes,
    mapping: mapping ?? 'none',
  })
}

/** The id of a home's device; the two ends may publish to the same broker. */
function nodeId(end: Snapshot['end'], home: string): string {
  return `homeward_${end}_${home}`
}

function availability(end: Snapshot['end']): string {
  return `homeward/${end}/${hostname()
    .replaceAll(/[^\w-]/g, '_')
    .slice(0, 40)}/availability`
}

function configTopic(prefix: string, end: Snapshot['end'], home: string): string {
  return `${prefix}/device/${nodeId(end, home)}/config`
}

function stateTopic(end: Snapshot['end'], home: string): string {
  return `homeward/${end}/${home}/state`
}

function alertTopic(end: Snapshot['end'], home: string): string {
  return `homeward/${end}/${home}/alert`
}

function late(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(new Undelivered('the broker did not answer in time'))
    if (signal.aborted) fail()
    else signal.addEventListener('abort', fail, { once: true })
  })
}
