import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Status } from '../../../agent/report/status.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { rebootHub } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import {
  eventsOf,
  hubStatusOf,
  inviteHome,
  plannedSteps,
  problemOf,
  runHub,
  startAgent,
  startHub,
  statusOf,
  waitForStatus,
} from '../lab-home.ts'
import { isLong, someOf } from '../../long.ts'
import { eventsOfKind } from './events-of-kind.ts'
import { comesToReachCamera, reachesCamera } from './reaches-camera.ts'

let lab: Lab
let picture: Picture
let pi: Host
let hub: LabProcess
let agent: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  // Known by its name only, so that nothing but a memory can help where there is no DNS.
  hub = await startHub(picture, HUB_NAME)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  agent = await startAgent(pi)
})
afterAll(() => lab.close())

async function wireguard(field: 'listen-port' | 'latest-handshakes' | 'endpoints'): Promise<string> {
  return (await pi.run('wg', ['show', 'hw0', field])).stdout
}

/** How often a change of this machine was found: while the tunnel was up, and while it was not. */
async function driftsFound(): Promise<number> {
  const found = [...(await eventsOfKind(pi, 'cause')), ...(await eventsOfKind(pi, 'tunnel'))]
  return found.filter((event) => event['cause'] === 'drift').length
}

const isUp = ({ tunnel }: Status): boolean => tunnel.state === 'up'

describe('the agent dies', () => {
  test('the tunnel goes on, and is taken over unharmed', async () => {
    const before = [await wireguard('listen-port'), await wireguard('latest-handshakes'), await wireguard('endpoints')]
    await agent.kill('SIGKILL')
    await agent.exited
    expect(await problemOf(pi, ['status'])).toMatchObject({ exitCode: 1, code: 'agent-not-running' })
    expect(await reachesCamera(picture)).toBe(true)

    agent = await startAgent(pi)
    expect(await wireguard('listen-port')).toBe(before[0])
    // The same session: no handshake was needed, but for WireGuard's own after two minutes (Rekey-After-Time).
    const [was = 0, is = 0] = [before[1], await wireguard('latest-handshakes')].map((text) =>
      Number(text?.trim().split('\t')[1]),
    )
    if (is - was < 119) expect(is).toBe(was)
    expect(await wireguard('endpoints')).toBe(before[2])
    expect(agent.stdout).not.toContain('brought this machine')
  })

  test('at any moment, while it brings the tunnel back: the next one ends the work', async () => {
    await agent.stop()
    for (const afterMs of someOf([60, 120, 160, 200, 240, 280, 320, 400], 3)) {
      await pi.shell('ip link del hw0 2>/dev/null || true\nnft delete table inet homeward 2>/dev/null || true')
      const killed = pi.startHomeward(['run'])
      await sleep(afterMs)
      await killed.kill('SIGKILL')
      await killed.exited
      agent = await startAgent(pi)
      // The tunnel answers before the last step of it is done.
      await expect.poll(() => plannedSteps(pi), { message: `killed after ${afterMs} ms` }).toEqual([])
      expect(await reachesCamera(picture), `killed after ${afterMs} ms`).toBe(true)
      await agent.stop()
    }
    agent = await startAgent(pi)
  })

  test('told to end, it ends cleanly and the tunnel stays', async () => {
    await agent.kill('SIGTERM')
    expect(await agent.exited).toMatchObject({ code: 0 })
    expect(await reachesCamera(picture)).toBe(true)
    expect((await eventsOfKind(pi, 'agent-stopped')).length).toBeGreaterThan(0)
    agent = await startAgent(pi)
  })

  test('an apply that is killed at any moment is ended by the next', async () => {
    await agent.stop()
    for (const afterMs of someOf([80, 120, 160, 200], 2)) {
      await pi.shell('ip link del hw0 2>/dev/null || true')
      const killed = pi.startHomeward(['apply', '--yes'])
      await sleep(afterMs)
      await killed.kill('SIGKILL')
      await killed.exited
      await pi.homeward(['apply', '--yes'])
      expect(await plannedSteps(pi), `killed after ${afterMs} ms`).toEqual([])
    }
    agent = await startAgent(pi)
  })

  test('stopped for a while: the tunnel stays, and neither end says that it was away', async () => {
    const before = (await statusOf(pi)).tunnel.since
    const began = Date.now()
    await agent.kill('SIGSTOP')
    await sleep(isLong ? 120_000 : 8_000)
    await agent.kill('SIGCONT')
    await waitForStatus(pi, ({ tunnel }) => (tunnel.heartbeat.answeredSecondsAgo ?? 99) < 2, 60_000)
    expect((await statusOf(pi)).tunnel).toMatchObject({ state: 'up', since: before })
    const since = (await eventsOf(pi)).filter(({ at }) => Date.parse(at) >= began)
    expect(since.filter(({ kind }) => kind === 'tunnel' || kind === 'remedy')).toEqual([])
    // The interface was remade before, and has another mapping, which may be told as late as this.
    const causes = since.flatMap((event) => (event.kind === 'cause' ? [event.cause] : []))
    expect(causes.filter((cause) => cause !== 'mapping-changed')).toEqual([])
  })
})

describe('the hub dies', () => {
  test('its daemon: the tunnel carries on, and the agent disturbs nothing', async () => {
    const port = await wireguard('listen-port')
    await hub.kill('SIGKILL')
    await hub.exited
    const silent = await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('hub-daemon-silent'), 60_000)
    expect(silent.tunnel.state).toBe('up')
    expect((await pi.homeward(['status'])).stdout).toContain('homeward on the hub does not answer')
    expect(await reachesCamera(picture)).toBe(true)
    await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('registrar-unreachable'), 60_000)
    hub = await runHub(picture)
    await waitForStatus(pi, ({ tunnel }) => tunnel.notes.length === 0, 90_000)
    expect(await wireguard('listen-port')).toBe(port)
    expect((await statusOf(pi)).tunnel.since).toBe(silent.tunnel.since)
    await expect.poll(() => plannedSteps(pi)).toEqual([])
  })

  test('its daemon is stopped and answers nobody: the home’s line is not called dead, by either end', async () => {
    const began = Date.now()
    const port = await wireguard('listen-port')
    await hub.kill('SIGSTOP')
    const silent = await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('hub-daemon-silent'), 60_000)
    expect(silent.tunnel).toMatchObject({ state: 'up', cause: null })
    await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('registrar-unreachable'), 60_000)
    expect(await reachesCamera(picture)).toBe(true)
    if (isLong) await sleep(120_000)
    expect((await statusOf(pi)).tunnel).toMatchObject({ state: 'up', since: silent.tunnel.since })
    await hub.kill('SIGCONT')
    await waitForStatus(pi, ({ tunnel }) => tunnel.notes.length === 0, 90_000)
    expect(await wireguard('listen-port')).toBe(port)
    const since = (await eventsOf(pi)).filter(({ at }) => Date.parse(at) >= began)
    expect(since.filter(({ kind }) => kind === 'remedy' || kind === 'cause')).toEqual([])
    expect(since.flatMap((event) => (event.kind === 'tunnel' ? [event.cause] : [])).filter(Boolean)).toEqual([])
    const [home] = (await hubStatusOf(picture.hub)).homes
    expect(home).toMatchObject({ presence: 'heard' })
  })

  test('somebody refuses heartbeats: a tunnel that carries is up, and a dead one is not kept up by it', async () => {
    await pi.shell(`nft -f - <<'X'
table ip forges { chain out { type filter hook output priority 0; policy accept; udp dport 8686 reject; }; }
X`)
    await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.notes.includes('hub-daemon-silent'), 60_000)
    await picture.internet.shell('ip link set hub0 down')
    const dead = await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'offline', 60_000)
    expect(dead.tunnel.notes).not.toContain('hub-daemon-silent')
    await picture.internet.shell('ip link set hub0 up')
    await pi.shell('nft delete table ip forges')
    await waitForStatus(pi, isUp, 120_000)
  })

  test('its machine: when it is back, so is the tunnel, without a hand', async () => {
    await rebootHub(lab, picture)
    hub = await runHub(picture)
    await waitForStatus(pi, isUp, 60_000)
    expect(await comesToReachCamera(picture)).toBe(true)
  })
})

describe('the home’s machine restarts', () => {
  test('without DNS: the hub is where its name last led', async () => {
    expect((await statusOf(pi)).hub.addresses).toEqual([HUB_NAME])
    await lab.reboot(pi)
    await pi.shell(': > /etc/hosts')
    agent = await startAgent(pi)
    expect((await statusOf(pi)).tunnel.endpoint).toBe(`${picture.hubAddress}:51820`)
    await expect.poll(() => plannedSteps(pi)).toEqual([])
    expect(await reachesCamera(picture)).toBe(true)
  })

  test('an interface that is lost while the agent runs is brought back', async () => {
    const before = await driftsFound()
    await pi.run('ip', ['link', 'del', 'hw0'])
    const until = performance.now() + 60_000
    while ((await driftsFound()) === before) expect(performance.now()).toBeLessThan(until)
    await waitForStatus(pi, isUp, 60_000)
    expect(await comesToReachCamera(picture)).toBe(true)
  })
})
