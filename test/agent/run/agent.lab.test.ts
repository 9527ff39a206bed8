import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Status } from '../../../agent/report/status.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { forgetMapping, rebootHub } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import {
  inviteHome,
  plannedSteps,
  problemOf,
  runHub,
  startAgent,
  startHub,
  statusOf,
  waitForStatus,
} from '../lab-home.ts'
import { someOf } from '../../long.ts'

/** The keys of `status --json`, which scripts outside the project rely on. */
const CONTRACT_KEYS = [
  'version home router.kind router.model router.dataPlane router.warnings hub.addresses hub.port hub.registrar',
  'tunnel.state tunnel.since tunnel.cause tunnel.next tunnel.remedy tunnel.notes tunnel.interface tunnel.address tunnel.endpoint',
  'tunnel.listenPort tunnel.lastHandshakeSeconds tunnel.rxBytes tunnel.txBytes tunnel.mtu',
  'tunnel.keepaliveSeconds tunnel.heartbeat.answeredSecondsAgo tunnel.heartbeat.rttMs',
  'tunnel.heartbeat.lossRatio tunnel.heartbeat.intervalSeconds tunnel.heartbeat.idleBytesPerDay mapping.address mapping.port',
  'mapping.since mapping.changes mapping.carrierNat mapping.lifeSeconds mapping.cutPeriod registration.at',
  'registration.count lastIncident alerts.channels',
]

let lab: Lab
let picture: Picture
let pi: Host
let hub: LabProcess
let agent: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  hub = await startHub(picture, `${HUB_NAME},${picture.hubAddress}`)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  agent = await startAgent(pi)
})
afterAll(() => lab.close())

/** The camera's page, asked for on the hub: through the tunnel and the home's LAN. */
async function reachesCamera(): Promise<boolean> {
  const url = `http://${picture.home.lan.camera}/`
  const { stdout } = await picture.hub.run('curl', ['-sS', '-m', '10', url], { allowFailure: true })
  return stdout.includes('camera')
}

/** A session that is gone at one end is there again with the next handshake. */
async function comesToReachCamera(): Promise<boolean> {
  for (let round = 0; round < 30; round += 1) {
    if (await reachesCamera()) return true
    await sleep(500)
  }
  return false
}

async function wireguard(field: 'listen-port' | 'latest-handshakes' | 'endpoints'): Promise<string> {
  return (await pi.run('wg', ['show', 'hw0', field])).stdout
}

async function eventsOf(kind: string): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await pi.homeward(['events', '--json'])
  const { events } = JSON.parse(stdout) as { events: readonly Record<string, unknown>[] }
  return events.filter((event) => event['kind'] === kind)
}

/** The agent mends within seconds what is broken, and may come first: then it is broken again. */
async function askBroken<Answer>(ask: () => Promise<Answer>, hasSeen: (answer: Answer) => boolean): Promise<Answer> {
  for (let rounds = 30; ; rounds -= 1) {
    await pi.shell('nft delete table inet homeward || true\nip addr del 10.86.0.2/16 dev hw0 || true')
    const answer = await ask()
    if (hasSeen(answer) || rounds === 1) return answer
  }
}

/** How often a change of this machine was found: while the tunnel was up, and while it was not. */
async function driftsFound(): Promise<number> {
  const found = [...(await eventsOf('cause')), ...(await eventsOf('tunnel'))]
  return found.filter((event) => event['cause'] === 'drift').length
}

const isUp = ({ tunnel }: Status): boolean => tunnel.state === 'up'

/** Names of all keys, nested ones with a dot. */
function keysOf(value: object, prefix = ''): readonly string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? keysOf(inner, `${prefix}${key}.`)
      : [`${prefix}${key}`],
  )
}

describe('a running agent', () => {
  test('answers status in the contract’s shape, with what is so', async () => {
    // The hub looks once a second: it may not have seen this home yet.
    await waitForStatus(pi, ({ mapping, hub }) => mapping.address !== null && hub.registrar === 'reachable', 60_000)
    const { exitCode, stdout } = await pi.homeward(['status', '--json'])
    const status = JSON.parse(stdout) as Status
    expect(exitCode).toBe(0)
    expect(keysOf(status).join(' ')).toBe(CONTRACT_KEYS.join(' '))
    expect(status).toMatchObject({
      home: 'cabin',
      tunnel: { state: 'up', address: '10.86.0.2/16', endpoint: `${picture.hubAddress}:51820`, keepaliveSeconds: 25 },
      mapping: { address: picture.home.customer.poolAddress, carrierNat: 'yes' },
      hub: { registrar: 'reachable' },
    })
    expect(status.tunnel.since).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(Math.abs(Date.parse(status.tunnel.since) - Date.now())).toBeLessThan(300_000)
  })

  test('answers plain users too, and tells them no secret', async () => {
    const asNobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
    const path = '/run/homeward/agent.sock'
    const ask = `require('net').connect('${path}').on('data', (d) => process.stdout.write(d)).end('{"verb":"status"}\\n')`
    const { stdout } = await pi.run('setpriv', [...asNobody, process.execPath, '-e', ask])
    expect(stdout).toContain('"state":"up"')
    for (const file of ['private.key', 'home.secret'])
      expect(stdout).not.toContain((await pi.run('cat', [`${pi.disk.configDir}/${file}`])).stdout.trim())
  })

  test('is watched until Ctrl-C', async () => {
    const watching = pi.startHomeward(['status', '--watch', '--json'])
    await watching.waitForLine(/"state":"up"/)
    await watching.waitForLine(/"state":"up"/, { after: watching.lineCount })
    await watching.kill('SIGINT')
    expect(await watching.exited).toMatchObject({ code: 0 })
  })

  test('leaves nothing to plan, and the hub reaches the LAN', async () => {
    await expect.poll(async () => (await pi.homeward(['plan'], { allowFailure: true })).exitCode).toBe(0)
    expect(await reachesCamera()).toBe(true)
  })

  test('is alone', async () => {
    expect(await problemOf(pi, ['run'])).toMatchObject({ exitCode: 1, code: 'already-running' })
  })

  test('what differs is planned, and mended by apply', async () => {
    const { stdout } = await askBroken(
      () => pi.homeward(['plan'], { allowFailure: true }),
      ({ exitCode }) => exitCode === 2,
    )
    expect(stdout).toContain('add the address 10.86.0.2/16 to hw0')
    const refused = await askBroken(
      () => problemOf(pi, ['apply']),
      ({ exitCode }) => exitCode !== 0,
    )
    expect(refused).toMatchObject({ exitCode: 64, code: 'needs-yes' })
    await pi.homeward(['apply', '--yes'])
    await expect.poll(() => plannedSteps(pi)).toEqual([])
    expect(await reachesCamera()).toBe(true)
    await waitForStatus(pi, isUp)
  })

  test('takes a changed configuration, and keeps the last good one when it is wrong', async () => {
    const path = `${pi.disk.configDir}/agent.yaml`
    const good = (await pi.run('cat', [path])).stdout
    const since = agent.lineCount
    await pi.shell(`sed -i 's/^heartbeatSeconds: 5/heartbeatSeconds: often/' ${path}`)
    await agent.kill('SIGHUP')
    const [said] = await agent.waitForLine(/config-invalid.*/, { after: since })
    expect(said).toContain(`${path} failed: line`)
    expect(said).toContain('heartbeatSeconds must be number, but is \\"often\\"')
    await waitForStatus(pi, isUp)

    await pi.shell(`sed -i 's/^heartbeatSeconds: often/heartbeatSeconds: 1/' ${path}`)
    // What a day of it costs goes by the calm interval, whether the tunnel is used or not.
    await waitForStatus(pi, ({ tunnel }) => tunnel.heartbeat.idleBytesPerDay > 10_000_000)
    // What is told is written down a moment later.
    await expect
      .poll(async () => (await eventsOf('configuration')).map((event) => event['taken']))
      .toEqual([false, true])
    await pi.run('tee', [path], { input: good })
    await waitForStatus(pi, ({ tunnel }) => tunnel.heartbeat.idleBytesPerDay < 10_000_000)
  })
})

describe('the carrier forgets the mapping and gives another address', () => {
  test('ledger, events and the hub show it', async () => {
    const before = await statusOf(pi)
    const since = hub.lineCount
    await forgetMapping(picture.home, { pool: 'other' })
    const moved = ({ mapping }: Status): boolean => mapping.address === picture.home.customer.poolAddress
    const after = await waitForStatus(pi, moved)
    expect(after.mapping.changes).toBe(before.mapping.changes + 1)
    expect(after.tunnel.state).toBe('up')
    await expect
      .poll(async () => (await eventsOf('mapping')).at(-1))
      .toMatchObject({
        address: after.mapping.address,
        port: after.mapping.port,
        previous: { address: before.mapping.address, port: before.mapping.port, ended: 'address' },
      })
    await hub.waitForLine(/"reason":"mapping-changed"/, { after: since })
    const { stdout } = await picture.hub.homeward(['hub', 'status'])
    expect(stdout).toContain(`${after.mapping.address}:${after.mapping.port}`)
  })

  test('a registrar out of reach disturbs nothing, and the ledger survives the agent', async () => {
    const restore = await picture.home.carrier.addFault([
      `iifname ${picture.home.customer.interface} tcp dport 51820 drop`,
    ])
    try {
      const before = await statusOf(pi)
      await forgetMapping(picture.home)
      await waitForStatus(pi, ({ mapping }) => mapping.changes === before.mapping.changes + 1)
      await waitForStatus(pi, ({ hub }) => hub.registrar === 'unreachable', 60_000)
      expect((await statusOf(pi)).tunnel).toMatchObject({ state: 'up', since: before.tunnel.since })
      expect(await reachesCamera()).toBe(true)
    } finally {
      await restore()
    }
    const before = await waitForStatus(pi, ({ hub }) => hub.registrar === 'reachable', 60_000)
    await agent.stop()
    agent = await startAgent(pi)
    await expect.poll(async () => (await statusOf(pi)).mapping).toEqual(before.mapping)
  })
})

describe('the agent dies', () => {
  test('the tunnel goes on, and is taken over unharmed', async () => {
    const before = [await wireguard('listen-port'), await wireguard('latest-handshakes'), await wireguard('endpoints')]
    await agent.kill('SIGKILL')
    await agent.exited
    expect(await problemOf(pi, ['status'])).toMatchObject({ exitCode: 1, code: 'agent-not-running' })
    expect(await reachesCamera()).toBe(true)

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
      expect(await reachesCamera(), `killed after ${afterMs} ms`).toBe(true)
      await agent.stop()
    }
    agent = await startAgent(pi)
  })

  test('told to end, it ends cleanly and the tunnel stays', async () => {
    await agent.kill('SIGTERM')
    expect(await agent.exited).toMatchObject({ code: 0 })
    expect(await reachesCamera()).toBe(true)
    expect((await eventsOf('agent-stopped')).length).toBeGreaterThan(0)
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
})

describe('the hub dies', () => {
  test('its daemon: the tunnel carries on, and the agent disturbs nothing', async () => {
    const port = await wireguard('listen-port')
    await hub.kill('SIGKILL')
    await hub.exited
    const silent = await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('hub-daemon-silent'), 60_000)
    expect(silent.tunnel.state).toBe('up')
    expect((await pi.homeward(['status'])).stdout).toContain('homeward on the hub does not answer')
    expect(await reachesCamera()).toBe(true)
    await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('registrar-unreachable'), 60_000)
    hub = await runHub(picture)
    await waitForStatus(pi, ({ tunnel }) => tunnel.notes.length === 0, 90_000)
    expect(await wireguard('listen-port')).toBe(port)
    expect((await statusOf(pi)).tunnel.since).toBe(silent.tunnel.since)
    await expect.poll(() => plannedSteps(pi)).toEqual([])
  })

  test('its machine: when it is back, so is the tunnel, without a hand', async () => {
    await rebootHub(lab, picture)
    hub = await runHub(picture)
    await waitForStatus(pi, isUp, 60_000)
    expect(await comesToReachCamera()).toBe(true)
  })
})

describe('the home’s machine restarts', () => {
  test('without DNS: the hub is where its name last led', async () => {
    // Only the name, so that nothing but the memory can help.
    await pi.shell(`sed -i '/^ *- ${picture.hubAddress.replaceAll('.', '\\.')}$/d' ${pi.disk.configDir}/agent.yaml`)
    await waitForStatus(pi, ({ hub }) => hub.addresses.length === 1)
    await lab.reboot(pi)
    await pi.shell(': > /etc/hosts')
    agent = await startAgent(pi)
    expect((await statusOf(pi)).tunnel.endpoint).toBe(`${picture.hubAddress}:51820`)
    await expect.poll(() => plannedSteps(pi)).toEqual([])
    expect(await reachesCamera()).toBe(true)
  })

  test('an interface that is lost while the agent runs is brought back', async () => {
    const before = await driftsFound()
    await pi.run('ip', ['link', 'del', 'hw0'])
    const until = performance.now() + 60_000
    while ((await driftsFound()) === before) expect(performance.now()).toBeLessThan(until)
    await waitForStatus(pi, isUp, 60_000)
    expect(await comesToReachCamera()).toBe(true)
  })
})
