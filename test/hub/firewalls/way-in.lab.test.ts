import { localTime } from '../../../system/time/local-time.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HubStatus } from '../../../hub/report/status.ts'
import { writeAlerts, waitForTold } from '../../alerts/lab-alerts.ts'
import { hubStatusOf, inviteHome, problemOf, runHub, startAgent, waitForStatus } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { type Receiver, startReceiver } from '../../lab/places/receiver.ts'

/** A VPS that was used for something else before, and its rules. One story: each test goes on from the last. */
let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
let daemon: LabProcess
let echo: LabProcess
let receiver: Receiver

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  ;({ hub } = picture)
  pi = picture.home.pi
  receiver = await startReceiver(lab, picture.visitor, '198.18.0.20')
})
afterAll(() => lab.close())

const OLD_TUNNEL = 'PREROUTING -i eth0 -p udp -m multiport --dports 1:65535 -j DNAT --to-destination 10.0.0.2'

test('init is not ready where an old tunnel’s DNAT takes what comes, and names the rule', async () => {
  await hub.shell(`iptables -t nat -A ${OLD_TUNNEL}`)
  const { stdout, stderr } = await hub.homeward(['hub', 'init', '--address', picture.hubAddress, '--yes'])
  expect(stdout).not.toContain('is ready')
  expect(stdout).toContain('packets from outside do not reach it')
  expect(stderr).toMatch(
    /Warning: packets from outside to UDP port 51820 do not reach WireGuard .*table ip nat, chain PREROUTING, ".*10\.0\.0\.2/,
  )
  expect(stderr).not.toMatch(/TCP port|provider/)
})

const warningsOf = async (): Promise<HubStatus['warnings']> => (await hubStatusOf(hub)).warnings

test('status says so until the rule is gone, and nothing of the look stays on the machine', async () => {
  // The owner wants to hear of publications soon.
  await hub.shell(`echo 'checkEverySeconds: 30' >> ${hub.disk.configDir}/hub.yaml`)
  await writeAlerts(hub, ALERTS())
  daemon = await runHub(picture, receiver.trust)
  // A busy machine may not manage the first look.
  await expect
    .poll(warningsOf, { timeout: 120_000 })
    .toEqual([expect.stringContaining('packets from outside to UDP port 51820')])
  await hub.shell(`iptables -t nat -D ${OLD_TUNNEL}`)
  await expect.poll(warningsOf, { timeout: 90_000 }).toEqual([])
  await expect
    .poll(async () => (await hub.shell('ip link; tc qdisc show dev eth0; nft list tables')).stdout, { timeout: 60_000 })
    .not.toMatch(/hwprobe|clsact|homeward_/)
})

const ALERTS = (): string => `
channels:
  people: ${receiver.url}/people
showAfterSeconds: { publication-failing: 35 }
`

/** Docker’s rules for a container that serves port 443, as the command line of a reverse proxy makes them. */
const DOCKER = `
ip link add br-web type bridge && ip addr add 172.18.0.1/16 dev br-web && ip link set br-web up
iptables -t nat -N DOCKER
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -t nat -A DOCKER ! -i br-web -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.18.0.2:443`

const LEADS = /table ip nat, chain DOCKER, .*172\.18\.0\.2/

test('a port that Docker’s rules take is not published over, and one that they take later is told', async () => {
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await startAgent(pi)
  echo = await serveEcho(pi, 'pi', 8123)
  await hub.shell(DOCKER)
  const refused = await problemOf(pi, ['publish', 'add', '443/tcp', 'localhost:8123'])
  expect(refused).toMatchObject({ code: 'port-taken', message: expect.stringMatching(/172\.18\.0\.2/) as string })

  await pi.homeward(['publish', 'add', '8443/tcp', 'localhost:8123'])
  expect(await askService(picture.visitor, 'tcp', picture.hubAddress, 8443)).toBe('pi sees 198.18.0.20')
  await hub.shell('iptables -t nat -A DOCKER ! -i br-web -p tcp --dport 8443 -j DNAT --to-destination 172.18.0.2:443')
  const { stdout, exitCode } = await pi.homeward(['publish', 'check', '8443/tcp'], { allowFailure: true })
  expect(exitCode).toBe(2)
  expect(stdout).toMatch(/✗ hub .*visitors do not come into the tunnel/)
  expect(stdout).toMatch(LEADS)
  expect(stdout).not.toContain('provider')
})

type Standing = NonNullable<HubStatus['publications'][number]['standing']>

async function standingOf(port: number): Promise<Standing | undefined> {
  return (await hubStatusOf(hub)).publications.find((one) => one.port === port)?.standing
}

const toldOf = (kind: string, count: number) =>
  waitForTold(receiver, '/people', (told) => told.filter((one) => one.kind === kind).length >= count, 180_000)

test('people are told of it, with the rule that takes it, and when it is given back', async () => {
  await expect.poll(() => standingOf(8443), { timeout: 120_000 }).toMatchObject({ state: 'failing', link: 'hub' })
  const listed = (await pi.homeward(['publish', 'list'])).stdout
  expect(listed).toMatch(/8443\/tcp .* not since 20\d\d-/)
  expect(listed).toMatch(/^8443\/tcp fails at the link hub: .*172\.18\.0\.2/m)
  const { published } = await waitForStatus(pi, (status) => status.published?.told[0]?.state === 'failing')
  expect(published).toMatchObject({ count: 1, told: [{ port: 8443, link: 'hub' }] })
  const [down] = await toldOf('down', 1)
  expect(down).toMatchObject({
    title: 'cabin: visitors of 8443/tcp do not reach 10.86.0.2:8123',
    incident: { cause: 'publication-failing' },
  })
  expect(down?.text).toMatch(LEADS)
  expect(down?.text).not.toContain('provider')
  const takenSince = (await standingOf(8443))?.since ?? ''

  await hub.shell('iptables -t nat -D DOCKER ! -i br-web -p tcp --dport 8443 -j DNAT --to-destination 172.18.0.2:443')
  const told = await toldOf('recovered', 1)
  expect(told.map(({ kind }) => kind)).toEqual(['down', 'recovered'])
  const again = await standingOf(8443)
  expect(again?.state).toBe('proven')
  expect((again?.since ?? '') > takenSince).toBe(true)
  expect((await hub.homeward(['hub', 'status'])).stdout).toContain(`since ${localTime(again?.since ?? '')}`)
})

test('a service that ends is found without anybody’s asking, over TCP and UDP, told once, and remembered by a new daemon', async () => {
  await pi.homeward(['publish', 'add', '8124/udp', 'localhost:8123'])
  await expect.poll(() => standingOf(8124), { timeout: 120_000 }).toMatchObject({ state: 'proven' })
  await echo.kill('SIGKILL')
  const down = (await toldOf('down', 2)).filter(({ kind }) => kind === 'down')[1]
  expect(down?.title).toMatch(/^cabin: visitors of 8(443\/tcp|124\/udp) and 1 more do not reach their services$/)
  for (const ports of ['8443/tcp', '8124/udp'])
    expect(down?.text).toContain(`${ports} to 10.86.0.2:8123, link service: `)
  const failing = await standingOf(8443)
  expect(failing).toMatchObject({
    state: 'failing',
    link: 'service',
    why: expect.stringContaining('port 8123') as string,
  })

  await daemon.kill('SIGKILL')
  daemon = await runHub(picture, receiver.trust)
  await expect
    .poll(() => standingOf(8443), { timeout: 60_000 })
    .toMatchObject({ state: 'failing', since: failing?.since })
  const back = new Date().toISOString()
  echo = await serveEcho(pi, 'pi', 8123)
  const told = await toldOf('recovered', 2)
  expect(told.map(({ kind }) => kind)).toEqual(['down', 'recovered', 'down', 'recovered'])
  expect(told.at(-1)?.title).toMatch(/^cabin: visitors of .* and 1 more reach their services again, after /)
  for (const port of [8443, 8124]) {
    const proven = await standingOf(port)
    expect(proven?.state).toBe('proven')
    expect((proven?.since ?? '') > back).toBe(true)
  }
  const { published } = await waitForStatus(pi, (status) => status.published?.told[0]?.state === 'proven')
  expect(published).toMatchObject({ count: 2, told: [{ state: 'proven' }, { state: 'proven' }] })
  expect((await pi.homeward(['status'])).stdout).toMatch(/published +8124\/udp proven since 20\d\d-/)
})
