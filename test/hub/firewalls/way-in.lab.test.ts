import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HubStatus } from '../../../hub/report/status.ts'
import { hubStatusOf, runHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

/** A VPS that was used for something else before, and its rules. One story: each test goes on from the last. */
let lab: Lab
let picture: Picture
let hub: Host

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  ;({ hub } = picture)
})
afterAll(() => lab.close())

const OLD_TUNNEL = 'PREROUTING -i eth0 -p udp -m multiport --dports 1:65535 -j DNAT --to-destination 10.0.0.2'

test('init is not ready where an old tunnel’s DNAT takes what comes, and names the rule', async () => {
  await hub.shell(`iptables -t nat -A ${OLD_TUNNEL}`)
  const { stdout, stderr } = await hub.homeward(['hub', 'init', '--address', picture.hubAddress, '--yes'])
  expect(stdout).not.toContain('is ready')
  expect(stdout).toContain('packets from outside do not reach it')
  expect(stderr).toMatch(
    /Warning: packets from outside to UDP port 51820 do not reach WireGuard .*table ip nat, chain PREROUTING, rule ".*10\.0\.0\.2/,
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
