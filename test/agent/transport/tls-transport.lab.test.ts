import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HubStatus } from '../../../hub/report/status.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { dropAllUdp, lossAndJitter, type Undo } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { type LabCarrier, pointTunnelAt, startCarrier } from './lab-transport.ts'
import { hubStatusOf, inviteHome, runHub, startHub } from '../lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let hub: Host
let daemon: LabProcess
let carrier: LabCarrier
let allowUdp: Undo

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  hub = picture.hub
  daemon = await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await untilReached()
  // As heartbeats do: the home speaks, whatever it hears.
  pi.start('ping', ['-i', '0.5', '10.86.0.1'])
})
afterAll(() => lab.close())

async function hubReachesHome(withinSeconds = 1): Promise<boolean> {
  const ping = await hub.run('ping', ['-c', '1', '-W', String(withinSeconds), '10.86.0.2'], { allowFailure: true })
  return ping.exitCode === 0
}

/** @returns seconds it took. */
async function untilReached(): Promise<number> {
  const from = performance.now()
  while (!(await hubReachesHome())) {
    if (performance.now() - from > 60_000) throw new Error('the home was not reached within a minute')
    await sleep(50)
  }
  return (performance.now() - from) / 1_000
}

async function homeAtHub(): Promise<HubStatus['homes'][number]> {
  return (await hubStatusOf(hub)).homes[0]!
}

/** The local ports of the connections to the registrar. */
async function connectionsOf(host: Host): Promise<readonly string[]> {
  const { stdout } = await host.shell("ss -Htn state established dport = :51820 | awk '{ print $3 }'")
  return stdout.split('\n').flatMap((line) => /:(\d+)$/.exec(line)?.[1] ?? [])
}

/** Of the hub's daemon, in bytes. */
async function rssOfHub(): Promise<number> {
  const { stdout } = await hub.shell("ps -e -o rss=,args= | awk '/hub run/ && !/awk/ { print $1; exit }'")
  return Number(stdout) * 1024
}

describe('with all UDP blocked', () => {
  test('the tunnel is reached over the carrier, and the hub says so', async () => {
    allowUdp = await dropAllUdp(picture.home)
    expect(await hubReachesHome()).toBe(false)
    carrier = await startCarrier(lab.folder, pi)
    await pointTunnelAt(pi, `127.0.0.1:${carrier.port}`)
    expect(await untilReached()).toBeLessThan(30)
    await expect.poll(async () => (await homeAtHub()).endpoint, { timeout: 60_000 }).toBeNull()
    const home = await homeAtHub()
    expect(home.connected).toBe(true)
    expect(home.carrier?.receivedBytes).toBeGreaterThan(0)
    expect((await hub.homeward(['hub', 'status'])).stdout).toMatch(/cabin .* TCP for \d+ s /)
    expect(await carrier.ask()).toMatchObject({ dropped: 0 })
  })

  test.each([
    ['is reset', 'tcp sport PORT reject with tcp reset', 'accept', 10],
    ['vanishes without a word', 'tcp sport PORT drop', 'tcp dport PORT drop', 20],
  ])('a connection that %s is made anew', async (_what, out, in_, seconds) => {
    const [port = ''] = await connectionsOf(pi)
    const table = `table inet fault {
      chain out { type filter hook output priority 0; ${out.replace('PORT', port)}; }
      chain in { type filter hook input priority 0; ${in_.replace('PORT', port)}; }
    }`
    await pi.run('nft', ['-f', '-'], { input: table })
    const from = performance.now()
    await expect.poll(async () => (await connectionsOf(pi)).some((one) => one !== port), { timeout: 60_000 }).toBe(true)
    await untilReached()
    expect((performance.now() - from) / 1_000).toBeLessThan(3 * seconds)
    await expect.poll(() => connectionsOf(pi)).toHaveLength(1)
    await pi.run('nft', ['delete', 'table', 'inet', 'fault'])
  })

  test('the hub’s daemon is restarted, and the home comes back by itself', async () => {
    const began = performance.now()
    expect(await daemon.stop()).toMatchObject({ code: 0 })
    expect(performance.now() - began).toBeLessThan(30_000)
    expect(await hubReachesHome()).toBe(false)
    daemon = await runHub(picture)
    // With the pauses that have grown meanwhile.
    expect(await untilReached()).toBeLessThan(30)
  })

  test.each(['to the home', 'from the home'])(
    '50 MB %s pass; memory is bounded; pings get through meanwhile',
    async (way) => {
      const before = [await rssOfHub(), (await carrier.ask()).rssBytes] as const
      const server = pi.start('iperf3', ['--server', '--one-off', '--forceflush'])
      await server.waitForLine(/Server listening/)
      const transfer = hub.run(
        'iperf3',
        ['--client', '10.86.0.2', '--bytes', '50M', '--json', ...(way === 'from the home' ? ['--reverse'] : [])],
        { timeoutMs: 240_000 },
      )
      const done = new AbortController()
      const ended = transfer.finally(() => done.abort())
      const pings = { sent: 0, answered: 0 }
      const largest = [...before]
      while (!done.signal.aborted) {
        pings.sent += 1
        if (await hubReachesHome(10)) pings.answered += 1
        largest[0] = Math.max(largest[0]!, await rssOfHub())
        largest[1] = Math.max(largest[1]!, (await carrier.ask()).rssBytes)
      }
      const { end } = JSON.parse((await ended).stdout) as {
        end: { sum_received: { bytes: number; bits_per_second: number } }
      }
      expect(end.sum_received.bytes).toBeGreaterThan(45e6)
      expect(pings.answered).toBeGreaterThanOrEqual(Math.floor(pings.sent / 2))
      for (const [index, bytes] of largest.entries()) expect(bytes - before[index]!).toBeLessThan(96 * 2 ** 20)
      await server.exited
    },
  )
})

describe('with UDP back', () => {
  test('a carrier that is held does not draw the tunnel back, however much passes', async () => {
    // So that there is always something on its way in the transport.
    const undo = await lossAndJitter(picture.home, { delayMs: 30 })
    const busy = [hub.start('ping', ['-i', '0.01', '10.86.0.2']), pi.start('ping', ['-i', '0.01', '10.86.0.1'])]
    await untilReached()
    for (let round = 0; round < 5; round += 1) {
      await allowUdp()
      await carrier.ask('hold')
      await pointTunnelAt(pi, `${picture.hubAddress}:51820`)
      await expect.poll(async () => (await homeAtHub()).endpoint, { timeout: 60_000 }).toMatch(/^198\.51\.100\./)
      await sleep(500)
      expect((await pi.run('wg', ['show', 'hw0', 'endpoints'])).stdout).toContain(`${picture.hubAddress}:51820`)
      expect(await untilReached()).toBeLessThan(15)
      allowUdp = await dropAllUdp(picture.home)
      // What the slow line still holds would draw the home back to UDP, which is dead now.
      await sleep(500)
      await carrier.ask('release')
      await pointTunnelAt(pi, `127.0.0.1:${carrier.port}`)
      await expect.poll(async () => (await homeAtHub()).endpoint, { timeout: 60_000 }).toBeNull()
    }
    for (const pings of busy) await pings.stop()
    await undo()
  })

  test('the tunnel goes back to it, and the hub sees its mapping again', async () => {
    await allowUdp()
    await carrier.ask('hold')
    await pointTunnelAt(pi, `${picture.hubAddress}:51820`)
    expect(await untilReached()).toBeLessThan(30)
    await carrier.stop()
    await expect.poll(async () => (await homeAtHub()).endpoint, { timeout: 60_000 }).toMatch(/^198\.51\.100\./)
    await expect.poll(async () => (await homeAtHub()).carrier, { timeout: 60_000 }).toBeNull()
    await untilReached()
  })
})
