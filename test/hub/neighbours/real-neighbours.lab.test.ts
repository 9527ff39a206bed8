import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inviteHome, plannedSteps, startAgent, startHub, statusOf } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { isLong } from '../../long.ts'

/**
 * The programs themselves, of this machine's distribution, on hub and Pi. They take minutes, and packages that nothing
 * else needs: apt-get install firewalld ufw network-manager dbus. One story: each test goes on from the last.
 */
const PATIENCE = { timeout: 90_000 }

/** Their settings are copies in the host's own memory: nothing of this machine's is touched. */
const PREPARE = `
for folder in /etc/firewalld /etc/ufw /etc/NetworkManager /var/lib/NetworkManager /var/lib/ufw /var/log; do
  mkdir -p $folder /run/copy
  cp -a $folder/. /run/copy/
  mount -t tmpfs tmpfs $folder
  cp -a /run/copy/. $folder/
  rm -rf /run/copy
done
mkdir -p /run/dbus /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp /run/systemd/network
`

let lab: Lab
let picture: Picture
let hosts: readonly Host[]
let pi: Host

const onBoth = (script: string) => Promise.all(hosts.map((host) => host.shell(script)))

/** Hub and Pi with what these programs need, and nothing of homeward's. */
async function prepare(): Promise<void> {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  hosts = [picture.hub, pi]
  await onBoth(PREPARE)
  for (const host of hosts) host.start('dbus-daemon', ['--system', '--nofork', '--nopidfile'])
}

async function beginHomeward(): Promise<void> {
  await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await startAgent(pi)
  await serveEcho(pi, 'pi', 8123)
  await pi.homeward(['publish', 'add', '8123/tcp', 'localhost:8123'])
}

/** Tunnel, a kept visitor's address, and the LAN: by themselves, and the plan has nothing left to do. */
async function worksAgain(): Promise<void> {
  await expect
    .poll(() => askService(picture.visitor, 'tcp', picture.hubAddress, 8123), PATIENCE)
    .toBe('pi sees 198.18.0.20')
  await expect
    .poll(
      async () =>
        (
          await hosts[0]!.run('curl', ['-s', '--max-time', '10', `http://${picture.home.lan.camera}/`], {
            allowFailure: true,
          })
        ).stdout,
      PATIENCE,
    )
    .toContain('camera')
  await expect.poll(async () => (await statusOf(pi)).tunnel.state, PATIENCE).toBe('up')
  await expect.poll(() => plannedSteps(pi), PATIENCE).toEqual([])
}

/** Has networkd manage the card of a host, as it is. */
const setNetworkd = (host: Host, address: string, gateway: string) =>
  host.shell(
    `printf '[Match]\\nName=eth0\\n[Network]\\nAddress=%s\\nGateway=%s\\n' ${address} ${gateway} > /run/systemd/network/10-eth0.network`,
  )
const setHubNetworkd = () => setNetworkd(picture.hub, picture.hubPlug.addresses?.[0] ?? '', '203.0.113.1')

/** Has NetworkManager manage the Pi's card, as it is. */
async function beginNetworkManager(): Promise<LabProcess> {
  await pi.shell(`cat > /etc/NetworkManager/conf.d/lab.conf <<'X'
[main]
plugins=keyfile
auth-polkit=root-only
dns=none
rc-manager=unmanaged
X
cat > /etc/NetworkManager/system-connections/eth0.nmconnection <<'X'
[connection]
id=eth0
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1=${picture.home.lan.pi}/24,${picture.home.lan.router}
[ipv6]
method=ignore
X
chmod 600 /etc/NetworkManager/system-connections/eth0.nmconnection`)
  const manager = pi.start('NetworkManager', ['--no-daemon'])
  await expect.poll(async () => (await pi.run('nmcli', ['general'], { allowFailure: true })).exitCode, PATIENCE).toBe(0)
  await pi.shell('nmcli device set eth0 managed yes; nmcli connection up eth0 || true')
  return manager
}

describe.runIf(isLong)('beside the real', () => {
  beforeAll(async () => {
    await prepare()
    // There before homeward: what it needs it must find by itself.
    await onBoth('ufw --force enable && ufw allow 22/tcp')
    await beginHomeward()
  })
  afterAll(() => lab.close())

  test('ufw: there before, reloaded, begun again, given up', async () => {
    await worksAgain()
    for (const change of [
      'ufw reload',
      'ufw disable && ufw --force enable',
      'ufw --force reset && ufw --force enable',
      'ufw disable',
    ]) {
      await onBoth(change)
      await worksAgain()
    }
  })

  test('firewalld that shares its table: begun later, reloaded, begun again, ended', async () => {
    let daemons: readonly LabProcess[] = []
    // Since 2.3 it owns its table unless it is told not to (firewalld.conf(5)): firewalld-owner.lab.test.ts. Before, it knows no such line.
    await onBoth('sed -i s/^NftablesTableOwner=yes$/NftablesTableOwner=no/ /etc/firewalld/firewalld.conf')
    const begin = async () => {
      daemons = hosts.map((host) => host.start('firewalld', ['--nofork', '--nopid']))
      for (const host of hosts)
        await expect
          .poll(async () => (await host.run('firewall-cmd', ['--state'], { allowFailure: true })).exitCode, PATIENCE)
          .toBe(0)
    }
    const end = () => Promise.all(daemons.map((daemon) => daemon.kill('SIGTERM')))
    await begin()
    await worksAgain()
    await onBoth('firewall-cmd --reload')
    await worksAgain()
    await onBoth('firewall-cmd --complete-reload')
    await worksAgain()
    await end()
    await begin()
    await worksAgain()
    await end()
    await worksAgain()
  })

  test('systemd-networkd, which takes away rules and routes that are not its own', async () => {
    await setHubNetworkd()
    await setNetworkd(pi, `${picture.home.lan.pi}/24`, picture.home.lan.router)
    for (let round = 0; round < 2; round += 1) {
      const daemons = hosts.map((host) => host.start('/lib/systemd/systemd-networkd'))
      await worksAgain()
      await pi.shell('ip rule del lookup 8600 proto 86; ip route flush table 8600')
      await worksAgain()
      await Promise.all(daemons.map((daemon) => daemon.kill('SIGTERM')))
      await worksAgain()
    }
  })

  test('NetworkManager: begun, its networking off and on, ended', async () => {
    const manager = await beginNetworkManager()
    await worksAgain()
    await pi.shell('nmcli networking off; sleep 3; nmcli networking on')
    await worksAgain()
    await manager.kill('SIGTERM')
    await worksAgain()
  })
})

describe.runIf(isLong)('beside the real that manage the cards before homeward comes', () => {
  /** What a machine has of its own: rules, routes and addresses of the card, without those of a moment. */
  const ofTheMachine = async () =>
    Promise.all(
      hosts.map(
        async (host) =>
          (await host.shell('ip -o rule; ip -o route show table all dev eth0; ip -o -4 addr show eth0')).stdout,
      ),
    )
  let before: readonly string[]

  beforeAll(prepare)
  afterAll(() => lab.close())

  test('networkd on the hub and NetworkManager at home: begun again, off and on', async () => {
    await setHubNetworkd()
    let networkd = picture.hub.start('/lib/systemd/systemd-networkd')
    let manager = await beginNetworkManager()
    before = await ofTheMachine()
    await beginHomeward()
    await worksAgain()
    await networkd.kill('SIGTERM')
    networkd = picture.hub.start('/lib/systemd/systemd-networkd')
    await worksAgain()
    await pi.shell('nmcli networking off; sleep 3; nmcli networking on')
    await worksAgain()
    await manager.kill('SIGTERM')
    await manager.exited
    manager = await beginNetworkManager()
    await worksAgain()
  })

  test('ufw that is switched on later, reloaded, and given up', async () => {
    for (const change of ['ufw --force enable', 'ufw reload', 'ufw disable']) {
      await onBoth(change)
      await worksAgain()
    }
  })

  test('leaving takes away what is homeward’s and nothing of theirs', async () => {
    await pi.homeward(['leave', '--yes'])
    const [, home] = await ofTheMachine()
    expect(home).toBe(before[1])
    await pi.run('ping', ['-c', '1', '-W', '5', picture.hubAddress])
  })
})
