import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HubStatus } from '../../../hub/report/status.ts'
import { hubStatusOf, inviteHome, problemOf, runHub, startAgent } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

/** A VPS that was used for something else before, and its rules. One story: each test goes on from the last. */
let lab: Lab
let picture: Picture
let hub: Host
let pi: Host

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  ;({ hub } = picture)
  pi = picture.home.pi
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
  await runHub(picture)
  await expect.poll(warningsOf).toEqual([expect.stringContaining('packets from outside to UDP port 51820')])
  await hub.shell(`iptables -t nat -D ${OLD_TUNNEL}`)
  await expect.poll(warningsOf, { timeout: 90_000 }).toEqual([])
  await expect
    .poll(async () => (await hub.shell('ip link; tc qdisc show dev eth0; nft list tables')).stdout, { timeout: 60_000 })
    .not.toMatch(/hwprobe|clsact|homeward_/)
})

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
  await serveEcho(pi, 'pi', 8123)
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
