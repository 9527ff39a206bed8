import { randomBytes } from 'node:crypto'
import type { MqttClient } from 'mqtt'
import { hostOf } from './broker-host.ts'
import { Undelivered } from './channel.ts'
import type { Publisher } from './retained.ts'

/** Clears topics by empty retained messages, which are not kept (MQTT 3.1.1, 3.3.1.3). @throws {Undelivered} */
export async function clearTopics(
  { broker, user, password }: Publisher,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { default: mqtt } = await import('mqtt')
  const client = mqtt.connect(broker, {
    clientId: `homeward-clear-${randomBytes(4).toString('hex')}`,
    ...(user === undefined ? {} : { username: user, password: password ?? '' }),
    protocolVersion: 4,
    clean: true,
    connectTimeout: 10_000,
    reconnectPeriod: 0,
  })
  try {
    await Promise.race([cleared(client, topics), failed(client, broker, signal)])
  } finally {
    client.end(true)
  }
}

async function cleared(client: MqttClient, topics: readonly string[]): Promise<void> {
  await new Promise<void>((resolve) => {
    client.once('connect', () => resolve())
  })
  // Each one is acknowledged: there is nothing more to wait for.
  for (const topic of topics) await client.publishAsync(topic, '', { qos: 1, retain: true })
}

function failed(client: MqttClient, broker: string, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (why: string): void => reject(new Undelivered(`${hostOf(broker)}: ${why}`))
    client.on('error', ({ message }) => fail(message || 'the broker does not answer'))
    client.on('close', () => fail('the broker ended the connection'))
    if (signal.aborted) fail('the broker does not answer')
    else signal.addEventListener('abort', () => fail('the broker does not answer'), { once: true })
  })
}
