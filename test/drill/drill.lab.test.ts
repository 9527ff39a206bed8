import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readIncidents } from '../../alerts/record/incident-log.ts'
import { DRILL_WAYS } from '../../protocol/drill.ts'
import { sleep } from '../../system/time/sleep.ts'
import { eventsOf, hubStatusOf, plannedSteps, problemOf, statusOf, waitForStatus } from '../agent/lab-home.ts'
import { isLong } from '../long.ts'
import {
  drilledMachines,
  type DrillLab,
  drillOf,
  openDrillLab,
  restOfTunnel,
  runDrillAgent,
  runDrillHub,
} from './drill-lab.ts'

/** A real hub, home and carrier, with a webhook, ntfy, MQTT and mail of both ends on the internet. */
let at: DrillLab
beforeAll(async () => {
  at = await openDrillLab()
})
afterAll(() => at.lab.close())

const CHANNELS = ['home', 'hub'].flatMap((end) =>
  ['hook webhook', 'push ntfy', 'ha homeassistant', 'post mail'].map((channel) => `${end} ${channel}`),
)

const isBlocking = async (): Promise<boolean> =>
  (await at.picture.hub.shell('nft list tables')).stdout.includes('homeward_drill')

/** The titles that came to the webhook of this end. */
async function titlesAt(end: 'home' | 'hub'): Promise<readonly string[]> {
  const all = (await at.receiver.received()).filter(({ path }) => path === `/${end}`)
  return all.map(({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title)
}

test('what it would do is said before; without a terminal and without --yes nothing is broken', async () => {
  const { stdout } = await at.pi.homeward(['drill', '--list'])
  for (const way of DRILL_WAYS) expect(stdout).toContain(`${way} `)
  expect(await problemOf(at.pi, ['drill', 'port'])).toMatchObject({ code: 'needs-yes' })
  expect(await problemOf(at.pi, ['drill', 'everything', '--yes'])).toMatchObject({ code: 'wrong-usage', exitCode: 64 })
  expect((await eventsOf(at.pi)).filter(({ kind }) => kind === 'drill')).toEqual([])
})

test('the hub’s port is blocked for this home: another port heals it, each channel of both ends tells, and all is as before', async () => {
  const before = await drilledMachines(at)
  const report = await drillOf(at.pi, ['port'])
  expect(report).toMatchObject({ exitCode: 0, over: true, problem: null })
  const [port] = report.ways
  expect(port).toMatchObject({ way: 'port', cause: 'port-blocked', isRight: true, asBefore: true })
  expect(port?.healedSeconds).toBeGreaterThan(port?.noticedSeconds ?? Infinity)
  expect(port?.channels.map(({ end, name, kind, problem }) => [`${end} ${name} ${kind}`, problem])).toEqual(
    CHANNELS.map((channel) => [channel, null]),
  )
  for (const end of ['home', 'hub'] as const)
    expect(await titlesAt(end)).toContain('drill: cabin: the hub’s port was blocked on purpose')
  expect(at.mail.stdout).toMatch(/mail from home@[^\n]*drill[^\n]*\n(.*\n)*.*mail from hub@|mail from hub@[^\n]*drill/)
  expect(await isBlocking()).toBe(false)
  expect(await drilledMachines(at)).toBe(before)
  expect(await plannedSteps(at.pi)).toEqual([])
})

test('it is a drill in events, and no outage in status, in statistics and in messages', async () => {
  const { stdout } = await at.pi.homeward(['events'])
  const broken = stdout.split('\n').filter((line) => line.includes('blocked') || line.includes('does not get through'))
  expect(broken).not.toEqual([])
  for (const line of broken) expect(line).toContain('drill: ')
  const { lastIncident, recentOutages, drill } = await statusOf(at.pi)
  expect({ lastIncident, recentOutages, drill }).toEqual({ lastIncident: null })
  for (const title of [...(await titlesAt('home')), ...(await titlesAt('hub'))])
    expect(title).toMatch(/^drill: |joined/)
  await expect.poll(async () => (await readIncidents(at.pi.disk.stateDir)).length).toBeGreaterThan(0)
  for (const one of await readIncidents(at.pi.disk.stateDir)) {
    expect(one.drillUntil).toBeDefined()
    expect(one.said.down).toBeNull()
  }
  expect((await at.pi.homeward(['events', '--csv'])).stdout.trim().split('\n')).toHaveLength(1)
})

describe.skipIf(!isLong)('in the long run', () => {
  test('each way heals for its cause, with each channel, one after another', async () => {
    const before = await drilledMachines(at)
    const report = await drillOf(at.pi, [])
    expect(report.problem).toBeNull()
    expect(report.ways.map(({ way, isRight, asBefore, remedies }) => ({ way, isRight, asBefore, remedies }))).toEqual([
      { way: 'mapping', isRight: true, asBefore: true, remedies: [] },
      { way: 'heartbeats', isRight: true, asBefore: true, remedies: expect.any(Array) as unknown },
      { way: 'port', isRight: true, asBefore: true, remedies: expect.arrayContaining(['set-endpoint']) as unknown },
      { way: 'daemon', isRight: true, asBefore: true, remedies: [] },
    ])
    for (const { way, noticedSeconds, healedSeconds, channels } of report.ways) {
      // A heartbeat each five seconds, and a hub that looks each second; on a machine that is busy with other tests.
      expect(noticedSeconds, way).toBeLessThan(25)
      expect(healedSeconds, way).toBeLessThan(35)
      expect(
        channels.map(({ problem }) => problem),
        way,
      ).toEqual(CHANNELS.map(() => null))
    }
    expect(await drilledMachines(at)).toBe(before)
    expect((await statusOf(at.pi)).lastIncident).toBeNull()
  })

  test('a channel that does not work is named, and the exit status says so', async () => {
    await at.receiver.behave('/hub', { status: 500 })
    await restOfTunnel(at)
    const report = await drillOf(at.pi, ['mapping'])
    expect(report.exitCode).toBe(2)
    const failing = report.ways[0]?.channels.filter(({ problem }) => problem !== null)
    expect(failing).toMatchObject([{ end: 'hub', name: 'hook', problem: expect.stringContaining('500') as unknown }])
    await at.receiver.behave('/hub', 'take')
  })

  test('where the owner of the hub wants none, there is none', async () => {
    const { hub } = at.picture
    const file = join(hub.disk.configDir, 'hub.yaml')
    const line = at.hub.lineCount
    await hub.shell(`echo 'drills: false' >> ${file}`)
    await at.hub.waitForLine(/took the new settings/, { after: line })
    expect(await problemOf(at.pi, ['drill', 'port', '--yes'])).toMatchObject({ code: 'drill-refused', exitCode: 1 })
    expect(await isBlocking()).toBe(false)
    const again = at.hub.lineCount
    await hub.shell(`sed -i '/^drills: false/d' ${file}`)
    await at.hub.waitForLine(/took the new settings/, { after: again })
  })

  test.each(['agent', 'command', 'hub'] as const)(
    'the %s is killed in the midst, and the line is as before',
    async (who) => {
      await restOfTunnel(at)
      const before = await drilledMachines(at)
      const command = at.pi.startHomeward(['drill', 'port', 'daemon', '--yes', '--json'])
      await expect.poll(isBlocking).toBe(true)
      expect((await statusOf(at.pi)).drill).toMatchObject({ way: 'port' })
      expect((await hubStatusOf(at.picture.hub)).notes.join()).toContain('drill: cabin')
      if (who === 'command') await command.kill()
      if (who === 'agent') {
        await at.agent.kill()
        at.agent = await runDrillAgent(at.pi, at.receiver)
      }
      if (who === 'hub') {
        await at.hub.kill()
        // Nobody is there who would take it back: the kernel does.
        const elements = async () => (await at.picture.hub.shell('nft list set inet homeward_drill from')).stdout
        await expect.poll(elements).not.toContain('elements')
        at.hub = await runDrillHub(at.picture, at.receiver)
      }
      await expect.poll(isBlocking).toBe(false)
      const isAsBefore = async () => (await drilledMachines(at)) === before
      await expect.poll(isAsBefore).toBe(true)
      await waitForStatus(at.pi, ({ tunnel, drill }) => tunnel.state === 'up' && drill === undefined)
      expect(await plannedSteps(at.pi)).toEqual([])
      if (who === 'agent') {
        const cutOff = (await eventsOf(at.pi)).filter((event) => event.kind === 'drill' && event.to === 'cut-off')
        expect(cutOff).toMatchObject([{ way: 'port' }])
      }
      await command.kill()
      const left = await readFile(join(at.pi.disk.stateDir, 'drill.json'), 'utf8').catch(() => null)
      if (who !== 'hub') await expect.poll(() => left).toBeNull()
      expect((await statusOf(at.pi)).lastIncident).toBeNull()
    },
  )

  test('once a month, when it is asked for; the agent takes it at once, and gives it up', async () => {
    const file = join(at.pi.disk.configDir, 'agent.yaml')
    const { stdout } = await at.pi.homeward(['drill', '--monthly', '--json'])
    const { drill, taken } = JSON.parse(stdout) as { drill: string; taken: boolean }
    expect(drill).toMatch(/^\d+ 10 \d+ \* \*$/)
    expect(taken).toBe(true)
    expect(await readFile(file, 'utf8')).toContain(`drill: ${drill}`)
    await at.pi.homeward(['drill', '--no-monthly'])
    expect(await readFile(file, 'utf8')).not.toMatch(/^drill:/m)
  })

  test('never while somebody uses the tunnel, and it says who', async () => {
    const { hub, phone, home } = at.picture
    const { stdout: conf } = await hub.homeward(['device', 'add', 'phone', '--conf', '-'])
    const file = join(phone.disk.configDir, 'phone.conf')
    await writeFile(file, conf, { mode: 0o600 })
    await phone.run('wg-quick', ['up', file])
    await expect
      .poll(async () => {
        const page = await phone.run('curl', ['-sS', '-m', '2', `http://${home.lan.camera}/`], { allowFailure: true })
        return page.stdout
      })
      .toContain('camera')
    // A drill whose command was killed may not be over yet.
    let refused = await problemOf(at.pi, ['drill', 'port', '--yes'])
    for (let tries = 0; tries < 120 && refused.code === 'drill-not-now'; tries += 1) {
      await sleep(1_000)
      await phone.run('curl', ['-sS', '-m', '2', `http://${home.lan.camera}/`], { allowFailure: true })
      refused = await problemOf(at.pi, ['drill', 'port', '--yes'])
    }
    expect(refused).toMatchObject({ code: 'drill-in-use', exitCode: 1 })
    expect(refused.message).toContain('the device phone use')
    expect(await isBlocking()).toBe(false)
  })

  test('nor while the line is down', async () => {
    await at.picture.hub.shell(
      'nft add table inet cut; nft add chain inet cut in "{ type filter hook prerouting priority -400; }"; nft add rule inet cut in udp dport 1-65535 drop',
    )
    await waitForStatus(at.pi, ({ tunnel }) => tunnel.state !== 'up')
    expect(await problemOf(at.pi, ['drill', '--yes'])).toMatchObject({ code: 'drill-not-now', exitCode: 1 })
    await at.picture.hub.shell('nft delete table inet cut')
  })
})
