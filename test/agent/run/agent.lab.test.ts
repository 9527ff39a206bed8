import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Status } from '../../../agent/report/status.ts'
import { forgetMapping } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { inviteHome, plannedSteps, problemOf, startAgent, startHub, statusOf, waitForStatus } from '../lab-home.ts'
import { eventsOfKind } from './events-of-kind.ts'
import { reachesCamera } from './reaches-camera.ts'

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

/** The agent mends within seconds what is broken, and may come first: then it is broken again. */
async function askBroken<Answer>(ask: () => Promise<Answer>, hasSeen: (answer: Answer) => boolean): Promise<Answer> {
  for (let rounds = 30; ; rounds -= 1) {
    await pi.shell('nft delete table inet homeward || true\nip addr del 10.86.0.2/16 dev hw0 || true')
    const answer = await ask()
    if (hasSeen(answer) || rounds === 1) return answer
  }
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

  test('does nothing for plain users, but for root', async () => {
    const ask = async (path: string, ...as: readonly string[]): Promise<string> => {
      const program = `require('net').connect('/run/homeward/${path}').on('error', ({ code }) => console.log(code)).on('data', (d) => process.stdout.write(d)).end('{"verb":"recheck"}\\n')`
      return (await pi.run('setpriv', [...as, '--', process.execPath, '-e', program])).stdout.trim()
    }
    const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups']
    expect(await ask('agent.sock', ...nobody)).toContain('no such question')
    expect(await ask('agent-control.sock', ...nobody)).toBe('EACCES')
    expect(await ask('agent-control.sock', '--reuid', '0')).toBe('{"answer":null}')
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
    expect(await reachesCamera(picture)).toBe(true)
  })

  test('is alone', async () => {
    expect(await problemOf(pi, ['run'])).toMatchObject({ exitCode: 1, code: 'already-running' })
  })

  test('what differs is planned, and mended by apply', async () => {
    const { exitCode } = await askBroken(
      () => pi.homeward(['plan'], { allowFailure: true }),
      // Not what the agent has left of it in the midst of its own mending.
      ({ stdout }) => stdout.includes('add the address 10.86.0.2/16 to hw0'),
    )
    expect(exitCode).toBe(2)
    const refused = await askBroken(
      () => problemOf(pi, ['apply']),
      ({ exitCode }) => exitCode !== 0,
    )
    expect(refused).toMatchObject({ exitCode: 64, code: 'needs-yes' })
    await pi.homeward(['apply', '--yes'])
    await expect.poll(() => plannedSteps(pi)).toEqual([])
    expect(await reachesCamera(picture)).toBe(true)
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
      .poll(async () => (await eventsOfKind(pi, 'configuration')).map((event) => event['taken']))
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
      .poll(async () => (await eventsOfKind(pi, 'mapping')).at(-1))
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
      expect(await reachesCamera(picture)).toBe(true)
    } finally {
      await restore()
    }
    const before = await waitForStatus(pi, ({ hub }) => hub.registrar === 'reachable', 60_000)
    await agent.stop()
    agent = await startAgent(pi)
    await expect.poll(async () => (await statusOf(pi)).mapping).toEqual(before.mapping)
  })
})
