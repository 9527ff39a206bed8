import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { sleep } from '../../../system/time/sleep.ts'

/** A real broker (mosquitto) on loopback that can be away for a while, and keeps over that what it was given. */
export interface Broker {
  readonly url: string
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** What it keeps for whoever comes later, by topic. */
  readonly kept: () => Promise<ReadonlyMap<string, string>>
  readonly close: () => Promise<void>
}

export async function openBroker({ keeps }: { readonly keeps: boolean }): Promise<Broker> {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-broker-'))
  const port = await freePort()
  const url = `mqtt://127.0.0.1:${port}`
  const persistence = keeps ? `true\npersistence_location ${folder}/` : 'false'
  const user = process.getuid?.() === 0 ? 'user root\n' : ''
  await writeFile(
    join(folder, 'mosquitto.conf'),
    `${user}listener ${port} 127.0.0.1\nallow_anonymous true\npersistence ${persistence}\n`,
  )
  let broker: ChildProcess | null = null

  async function stop(): Promise<void> {
    if (broker === null) return
    const ended = new Promise((resolve) => broker?.once('exit', resolve))
    // SIGTERM has it write down what it keeps.
    broker.kill(keeps ? 'SIGTERM' : 'SIGKILL')
    await ended
    broker = null
  }

  const made: Broker = {
    url,
    start: async () => {
      broker = spawn('mosquitto', ['-c', join(folder, 'mosquitto.conf')], {
        stdio: 'ignore',
        env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
      })
      const until = Date.now() + 60_000
      for (;;) {
        const probe = await mqtt.connectAsync(url, { connectTimeout: 5_000, reconnectPeriod: 0 }).catch(() => null)
        if (probe !== null) return await probe.endAsync(true)
        if (Date.now() > until) throw new Error('mosquitto did not begin within a minute')
        await sleep(100)
      }
    },
    stop,
    kept: async () => {
      const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
      const kept = new Map<string, string>()
      client.on('message', (topic, payload, { retain }) => {
        if (retain) kept.set(topic, payload.toString())
      })
      await client.subscribeAsync('#', { qos: 1 })
      // What is kept comes before the echo of what is published after the subscription.
      const echoed = new Promise<void>((resolve) => {
        client.on('message', (topic) => topic === 'test/echo' && resolve())
      })
      await client.publishAsync('test/echo', 'x', { qos: 1 })
      await echoed
      await client.endAsync(true)
      return kept
    },
    close: async () => {
      await stop()
      await rm(folder, { recursive: true })
    },
  }
  await made.start()
  return made
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
