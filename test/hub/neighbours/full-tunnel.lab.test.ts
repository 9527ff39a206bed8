import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteHome, plannedSteps, startAgent, startHub, statusOf } from '../../agent/lab-home.ts'
import { letHubBe } from '../../agent/let-hub-be.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { type FullTunnelVpn, serveVpn } from './full-tunnel-vpn.ts'

/** A VPN that takes everything comes and goes beside the tunnel. One story: each test goes on from the last. */
let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
/** Knows the hub by its IPv6 address only. */
let sixPi: Host
let pis: readonly Host[]
let vpn: FullTunnelVpn

const VISITOR = '198.18.0.20'
const ask = (protocol: 'tcp' | 'udp', port: number) => askService(picture.visitor, protocol, picture.hubAddress, port)
const rulesOf = async (host: Host): Promise<string> => (await host.shell('ip rule; ip -6 rule')).stdout
const eachStatus = () => Promise.all(pis.map(statusOf))
const both = async (port: number): Promise<readonly (string | null)[]> =>
  Promise.all([ask('tcp', port), ask('udp', port)])
const seen = (name: string): readonly string[] => [`${name} sees ${VISITOR}`, `${name} sees ${VISITOR}`]
const PATIENCE = { timeout: 90_000 }
/** A hub that measured in the meantime that answers do not come back hides visitors until it measures again. */
const keptAgain = (name: string, port: number): Promise<void> =>
  expect
    .poll(async () => {
      const found = await both(port)
      if (!found.includes(seen(name)[0]!))
        await pi.homeward(['publish', 'check', `${port}/tcp`], { allowFailure: true })
      return found
    }, PATIENCE)
    .toEqual(seen(name))

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab, { ipv6: true })
  ;({ hub } = picture)
  pi = picture.home.pi
  sixPi = (await picture.addHome({ name: 'hut' })).pi
  pis = [pi, sixPi]
  const [container] = await lab.addHosts([{ name: 'container' }])
  await lab.connect([
    [
      { host: pi, interface: 'br-web', addresses: ['172.18.0.1/16'] },
      { host: container!, interface: 'eth0', addresses: ['172.18.0.2/16'], routes: ['default via 172.18.0.1'] },
    ],
  ])
  vpn = await serveVpn(picture, [hub, ...pis])
  await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await letHubBe(picture, picture.hubIpv6 ?? 'none')
  await sixPi.homeward(['join', await inviteHome(picture, 'hut'), '--yes'])
  await Promise.all(pis.map((one) => startAgent(one)))
  await Promise.all([serveEcho(pi, 'pi', 8123), serveEcho(container!, 'container', 80)])
  // As Docker publishes a container's port.
  await pi.shell(`nft -f - <<'X'
table ip docker {
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    fib daddr type local meta l4proto { tcp, udp } th dport 8180 dnat to 172.18.0.2:80
  }
}
X`)
  for (const port of [8123, 8180])
    for (const protocol of ['tcp', 'udp'])
      await pi.homeward(['publish', 'add', `${port}/${protocol}`, `localhost:${port}`])
})
afterAll(() => lab.close())

test('visitors are answered while a VPN takes all that the Pi sends, and the tunnel goes through it', async () => {
  for (const [name, port] of [
    ['pi', 8123],
    ['container', 8180],
  ] as const)
    await expect.poll(() => both(port), PATIENCE).toEqual(seen(name))
  await Promise.all(pis.map(vpn.up))
  expect((await pi.run('ip', ['route', 'get', VISITOR])).stdout).toContain('vpn0')
  for (const [name, port] of [
    ['pi', 8123],
    ['container', 8180],
  ] as const)
    await expect.poll(() => both(port), PATIENCE).toEqual(seen(name))
  const byVpn = ['203.0.113.1', '2001:db8:203::1']
  const endpoints = [picture.hubAddress, `[${picture.hubIpv6}]`]
  await expect
    .poll(
      async () => {
        const all = await eachStatus()
        // wireguard-go keeps to the interface by which it was answered until its endpoint is set (its sticky sockets), and
        // is answered there once more by what is on its way.
        for (const [index, { mapping }] of all.entries())
          if (mapping.address !== byVpn[index])
            await pis[index]!.shell(`wg set hw0 peer "$(wg show hw0 peers)" endpoint ${endpoints[index]}:51820`)
        return all
      },
      { ...PATIENCE, interval: 1_000 },
    )
    .toMatchObject(byVpn.map((address) => ({ tunnel: { state: 'up' }, mapping: { address } })))
  for (const one of pis) await expect.poll(() => plannedSteps(one), PATIENCE).toEqual([])
})

test('a VPN that carries nothing any more is gone past, which is told, until it is gone', async () => {
  await vpn.die()
  const past = {
    tunnel: { state: 'up' },
    router: { warnings: [expect.stringContaining('hw0 goes past it') as string] },
  }
  await expect.poll(eachStatus, PATIENCE).toMatchObject([past, past])
  expect(await ask('tcp', 8123)).toBe(`pi sees ${VISITOR}`)
  for (const one of pis) expect(await plannedSteps(one)).toEqual([])
  // What the Pi starts itself goes by the VPN still.
  expect((await pi.run('ip', ['route', 'get', VISITOR])).stdout).toContain('vpn0')
  await Promise.all(pis.map(vpn.down))
  await expect.poll(() => rulesOf(pi), PATIENCE).toMatch(/^8600:/m)
  for (const one of pis) await expect.poll(() => rulesOf(one), PATIENCE).not.toMatch(/lookup main proto 86/)
  await expect.poll(() => both(8123), PATIENCE).toEqual(seen('pi'))
})

test('a hub whose VPS sends all by a VPN still answers its homes, its registrar’s callers and visitors', async () => {
  await vpn.up(hub)
  await expect.poll(() => rulesOf(hub), PATIENCE).toMatch(/iif hw0 lookup main proto 86/)
  await expect.poll(() => both(8123), PATIENCE).toEqual(seen('pi'))
  const reached = { tunnel: { state: 'up' }, hub: { registrar: 'reachable' } }
  await expect.poll(eachStatus, PATIENCE).toMatchObject([reached, reached])
  await vpn.down(hub)
  await expect.poll(() => rulesOf(hub), PATIENCE).not.toContain('proto 86')
})

test('filters of forged sources let visitors in: strict ones of the kernel, and two of nftables', async () => {
  await pi.shell(`
for name in all default hw0 eth0; do echo 1 > /proc/sys/net/ipv4/conf/$name/rp_filter; done
nft -f - <<'X'
table inet by_mark {
  chain first {
    type filter hook prerouting priority -300; policy accept;
    fib saddr . mark . iif oif missing counter drop
  }
}
table ip by_route {
  chain first {
    type filter hook prerouting priority -150; policy accept;
    ip saddr 192.0.2.20 drop
    fib saddr . iif oif missing counter drop
  }
}
X`)
  await expect.poll(() => plannedSteps(pi), PATIENCE).toEqual([])
  await keptAgain('pi', 8123)
  await keptAgain('container', 8180)
  expect((await pi.run('cat', ['/proc/sys/net/ipv4/conf/all/rp_filter'])).stdout).toBe('1\n')
  expect(await rulesOf(pi)).toMatch(/fwmark 0x860000\/0xff0000 lookup 8600/)
  // Whom their owner keeps out stays out: ours stands right before the filter.
  expect((await pi.run('nft', ['list', 'table', 'ip', 'by_route'])).stdout).toMatch(
    /192\.0\.2\.20 drop\n.*iifname "hw0" .* accept comment "homeward .*\n.*fib saddr/,
  )
  expect((await pi.run('nft', ['list', 'table', 'inet', 'by_mark'])).stdout).not.toContain('homeward')
})

test('so do those of the older iptables, whose marks of whole packets and connections come before ours', async () => {
  await pi.shell(`
nft delete table inet by_mark
nft delete table ip by_route
cat <<'X' | iptables-legacy-restore
*raw
-A PREROUTING -s 192.0.2.20 -j DROP
-A PREROUTING -m rpfilter --invert -j DROP
COMMIT
*mangle
-A PREROUTING -j CONNMARK --restore-mark
-A PREROUTING -j MARK --set-mark 1
-A OUTPUT -j MARK --set-mark 1
-A POSTROUTING -j CONNMARK --save-mark
COMMIT
X`)
  const legacy = async () => (await pi.run('iptables-legacy-save', [])).stdout
  await expect
    .poll(legacy, PATIENCE)
    .toMatch(/192\.0\.2\.20\/32 -j DROP\n-A PREROUTING ! -s 10\.86\.0\.0\/16 -i hw0 .*homeward -j ACCEPT\n.*rpfilter/)
  await keptAgain('pi', 8123)
  await keptAgain('container', 8180)
  expect(await plannedSteps(pi)).toEqual([])
  // Somebody's filter comes before ours, and somebody's marks are in our byte.
  await pi.shell(`
iptables-legacy -t raw -I PREROUTING -m rpfilter --invert -j DROP
iptables-legacy -t mangle -I PREROUTING -i eth9 -j MARK --set-mark 0x40000/0xff0000`)
  await expect.poll(() => rulesOf(pi), PATIENCE).toMatch(/fwmark 0x86000000\/0xff000000 lookup 8617/)
  await keptAgain('container', 8180)
  expect((await legacy()).match(/homeward/g)).toHaveLength(1)
  expect(await plannedSteps(pi)).toEqual([])
  await pi.homeward(['leave', '--yes'])
  expect(await legacy()).not.toContain('homeward')
})
