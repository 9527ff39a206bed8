import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import type { Step } from '../../../adapters/step.ts'
import { applyDesired } from '../../../adapters/apply.ts'
import type { OpenAdapter } from '../../contract/machine.ts'
import { type LinuxMachine, startLinuxMachine } from '../../contract/linux/linux-machine.ts'
import { homeSpec, hubSpec } from '../../contract/specs.ts'
import { only } from '../only.ts'

/** What only Linux can get wrong; what every adapter has to do is in test/contract. */
let machine: LinuxMachine
beforeAll(async () => {
  machine = await startLinuxMachine()
})
afterAll(() => machine?.close())
afterEach(async () => {
  await bring(null)
})

const signal = (): AbortSignal => AbortSignal.timeout(60_000)

async function withAdapter<Result>(
  use: (adapter: OpenAdapter) => Promise<Result>,
  how: Parameters<LinuxMachine['open']>[0] = {},
): Promise<Result> {
  const adapter = await machine.open(how)
  try {
    return await use(adapter)
  } finally {
    await adapter.close()
  }
}

async function bring(spec: TunnelSpec | null): Promise<readonly Step[]> {
  return withAdapter((adapter) => applyDesired(adapter, only(spec), signal()))
}

async function refusals(spec: TunnelSpec | null): Promise<readonly string[]> {
  return withAdapter(async (adapter) =>
    adapter.plan(await adapter.observe(signal()), only(spec)).refusals.map(({ code }) => code),
  )
}

async function shell(script: string): Promise<string> {
  return (await machine.host.shell(script)).stdout
}

const startWireguard = `
  WG_PROCESS_FOREGROUND=1 setsid wireguard-go hw0 >/dev/null 2>&1 &
  until wg show hw0 >/dev/null 2>&1; do sleep 0.02; done`

describe('an interface of the wanted name without our mark', () => {
  afterEach(async () => void (await shell('ip link del hw0 2>/dev/null; rm -f /run/wireguard/hw0.sock')))

  test('that nobody has given anything is what a crash left, and is taken', async () => {
    await shell(startWireguard)
    expect(await refusals(homeSpec(machine.keys))).toEqual([])
    await bring(homeSpec(machine.keys))
    expect(await shell('ip link show hw0')).toContain('alias homeward')
  })

  test.each([
    ['a key', 'umask 077; wg genkey > /run/k; wg set hw0 private-key /run/k'],
    ['a peer', 'wg set hw0 peer "$(wg genkey | wg pubkey)"'],
    ['an address', 'ip address add 192.0.2.1/32 dev hw0'],
    ['a firewall mark', 'wg set hw0 fwmark 7'],
    ['an alias of somebody’s', 'ip link set hw0 alias mine'],
    ['been brought up', 'ip link set hw0 up'],
  ])('that has %s is somebody’s', async (_, script) => {
    await shell(`${startWireguard}\n${script}`)
    const before = await shell('ip -d address show dev hw0; wg show hw0')
    expect(await refusals(homeSpec(machine.keys))).toEqual(['interface-taken'])
    await bring(null)
    expect(await shell('ip -d address show dev hw0; wg show hw0')).toBe(before)
  })
})

test('a firewall table of our name that somebody else made is refused and left alone, by undo as well', async () => {
  await shell('nft add table inet homeward; nft add chain inet homeward mine')
  expect(await refusals(homeSpec(machine.keys))).toEqual(['firewall-taken'])
  await bring(null)
  expect(await shell('nft list table inet homeward')).toContain('chain mine')
  await shell('nft delete table inet homeward')
})

test('a route that somebody else made to the same prefix is kept, the step says so, and ports are published all the same', async () => {
  await shell('ip route add 192.168.2.0/24 via 198.51.100.1')
  await expect(bring(hubSpec(machine.keys))).rejects.toMatchObject({
    code: 'step-failed',
    why: 'a route to 192.168.2.0/24 that homeward did not make is there already',
  })
  expect(await shell('ip route show 192.168.2.0/24')).toContain('via 198.51.100.1')
  expect(await shell('nft list map inet homeward tcp_services')).toMatch(/\d+ : [\d.]+ \. \d+/)
  await shell('ip route del 192.168.2.0/24')
  expect((await bring(hubSpec(machine.keys))).map((step) => step.kind)).toEqual(['add-route', 'lead-exits'])
})

test('another address in the same network keeps routes and sessions, although the kernel takes all with the first', async () => {
  const wanted = hubSpec(machine.keys)
  const [first, ...others] = wanted.routes
  const spec = { ...wanted, routes: [{ ...first!, mtu: 1280 }, ...others] }
  await bring(spec)
  await shell('for name in all hw0; do echo 0 > /proc/sys/net/ipv4/conf/$name/promote_secondaries; done')
  const steps = await bring({ ...spec, address: '10.86.0.77/16' })
  // The firewall drops what is forged to this address, and so names it.
  expect(steps.map((step) => step.kind).toSorted()).toEqual(['add-address', 'remove-address', 'set-firewall'])
  const observed = await withAdapter((adapter) => adapter.observe(signal()))
  expect(observed.interfaces).toMatchObject([{ addresses: ['10.86.0.77/16'], routes: spec.routes }])
})

test('forwarding that was on before stays on', async () => {
  await shell('echo 1 > /proc/sys/net/ipv4/ip_forward')
  await bring(homeSpec(machine.keys))
  await bring(null)
  expect(await shell('cat /proc/sys/net/ipv4/ip_forward')).toBe('1\n')
  await shell('echo 0 > /proc/sys/net/ipv4/ip_forward')
})

test('where /proc/sys is read-only, the problem says what to write where', async () => {
  await shell('mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys')
  const failure = await bring(homeSpec(machine.keys)).catch((thrown: unknown) => thrown)
  await shell('umount /proc/sys')
  // Where depends on whether the machine that runs the tests is a container.
  expect(failure).toMatchObject({ code: 'step-failed', next: expect.stringContaining('net.ipv4.ip_forward=1') })
})

test('a port that is taken is named as that', async () => {
  const holder = machine.host.start('perl', [
    '-e',
    'use Socket; socket(S, PF_INET, SOCK_DGRAM, 0); bind(S, sockaddr_in(51820, INADDR_ANY)); $| = 1; print "held\\n"; sleep 60',
  ])
  await holder.waitForLine(/held/)
  await expect(bring(hubSpec(machine.keys))).rejects.toMatchObject({ code: 'port-taken' })
  await holder.kill()
  await holder.exited
  await bring(hubSpec(machine.keys))
  expect(await refusals(hubSpec(machine.keys))).toEqual([])
})

test('a private key file that holds another key is named', async () => {
  const spec = { ...homeSpec(machine.keys), publicKey: machine.keys.peers[0]! }
  await expect(bring(spec)).rejects.toMatchObject({
    code: 'step-failed',
    why: expect.stringContaining(machine.privateKeyFile),
  })
})

test('without CAP_NET_ADMIN nothing is tried, and the problem is no-root', async () => {
  const wrapper = ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin']
  await withAdapter(
    async (adapter) => {
      await expect(adapter.describe(signal())).rejects.toMatchObject({ code: 'no-root' })
      await expect(adapter.observe(signal())).rejects.toMatchObject({ code: 'no-root' })
    },
    { wrapper },
  )
})

describe('on a machine that lacks something', () => {
  const plainPath = { path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' }

  /** While it runs, the folder has links to all its programs but one. */
  async function lacking<Result>(folder: string, program: string, use: () => Promise<Result>): Promise<Result> {
    await shell(`
      mkdir /run/real /run/rest
      mount --bind ${folder} /run/real
      ln -s /run/real/* /run/rest/
      rm /run/rest/${program}
      mount --bind /run/rest ${folder}`)
    try {
      return await use()
    } finally {
      await shell(`umount -l ${folder}; umount -l /run/real; rm -r /run/real /run/rest`)
    }
  }

  test('no nft: tool-missing', async () => {
    const failure = await lacking('/usr/sbin', 'nft', () =>
      withAdapter((adapter) => adapter.observe(signal()).catch((thrown: unknown) => thrown), plainPath),
    )
    expect(failure).toMatchObject({ code: 'tool-missing', what: 'starting nft' })
  })

  test('no WireGuard, neither in the kernel nor as wireguard-go: no-wireguard, and nothing was made', async () => {
    const failures = await lacking('/usr/bin', 'wireguard-go', () =>
      withAdapter(
        async (adapter) => [
          await adapter.describe(signal()).catch((thrown: unknown) => thrown),
          await applyDesired(adapter, [homeSpec(machine.keys)], signal()).catch((thrown: unknown) => thrown),
        ],
        plainPath,
      ),
    )
    for (const failure of failures) expect(failure).toMatchObject({ code: 'no-wireguard' })
    await expect.poll(machine.leftovers).toEqual([])
  })

  test('no /dev/net/tun: no-wireguard, which says so', async () => {
    await shell('mount -t tmpfs tmpfs /dev/net')
    const failure = await withAdapter((adapter) => adapter.describe(signal()).catch((thrown: unknown) => thrown))
    await shell('umount /dev/net')
    expect(failure).toMatchObject({
      code: 'no-wireguard',
      why: expect.stringContaining('needs /dev/net/tun, which is not there'),
    })
  })
})

test('where the kernel has WireGuard it is used, and the probe leaves nothing', async () => {
  // The kernel here has none: an `ip` that makes a WireGuard interface when asked for one stands in for it.
  const folder = join(machine.host.disk.path, 'kernel')
  await machine.host.run('mkdir', [folder])
  await machine.host.run('tee', [join(folder, 'ip')], {
    input: `#!/bin/sh
case "$*" in "link add dev "*" type wireguard")
  WG_PROCESS_FOREGROUND=1 setsid wireguard-go "$4" >/dev/null 2>&1 </dev/null &
  until wg show "$4" >/dev/null 2>&1; do sleep 0.02; done
  exit 0
esac
exec /usr/bin/ip "$@"
`,
  })
  await machine.host.run('chmod', ['755', join(folder, 'ip')])
  await shell('ip link add hwprobe0 type veth peer name other')
  const how = { path: `${folder}:/usr/sbin:/usr/bin` }
  await withAdapter(async (adapter) => {
    expect(await adapter.describe(signal())).toMatchObject({ kind: 'linux', dataPlane: 'kernel' })
    expect(await shell('ip -o link show')).not.toContain('hwprobe0')
    await applyDesired(adapter, [homeSpec(machine.keys)], signal())
    expect(adapter.plan(await adapter.observe(signal()), [homeSpec(machine.keys)]).steps).toEqual([])
  }, how)
})

test('the service’s user, with CAP_NET_ADMIN alone, takes over what root made, and makes it anew when it dies', async () => {
  // As the installer prepares it, with a tun device that the service's user may open.
  await shell(`
    mkdir -p /run/service
    cp '${machine.privateKeyFile}' '${machine.presharedKeysFile}' '${machine.driver}' /run/service/
    chown -R 1234:1234 /run/service
    chgrp 1234 /run/wireguard; chmod 775 /run/wireguard
    mount -t tmpfs -o mode=755 tmpfs /dev/net; mknod -m 666 /dev/net/tun c 10 200`)
  const spec = hubSpec(machine.keys)
  await bring(spec)
  const capabilities = '-all,+net_admin'
  const user = ['setpriv', '--reuid', '1234', '--regid', '1234', '--clear-groups']
  const rights = ['--inh-caps', capabilities, '--ambient-caps', capabilities, '--bounding-set', capabilities]
  await withAdapter(
    async (adapter) => {
      expect((await applyDesired(adapter, only(spec), signal())).slice(0, 2).map((step) => step.kind)).toEqual([
        'remove-interface',
        'create-interface',
      ])
      expect(await applyDesired(adapter, only(spec), signal())).toEqual([])
      await shell(`kill -9 "$(pgrep -f 'wireguard-go hw0$')"
        while ip link show hw0 >/dev/null 2>&1; do sleep 0.01; done`)
      expect((await applyDesired(adapter, only(spec), signal()))[0]?.kind).toBe('create-interface')
      expect(await applyDesired(adapter, only(spec), signal())).toEqual([])
    },
    { folder: '/run/service', path: '/usr/sbin:/usr/bin', wrapper: [...user, ...rights] },
  )
  // What the service made, root may look after without making it again.
  expect(await bring(spec)).toEqual([])
  await bring(null)
  await expect.poll(machine.leftovers).toEqual([])
  await shell('umount /dev/net')
})

test('a thousand peers are set by one command, and a first look at the machine takes five', async () => {
  const spec = hubSpec(machine.keys)
  const peers = Array.from({ length: 1_000 }, (_, index) => ({
    ...spec.peers[2]!,
    // Any 32 bytes are a point of the curve (RFC 7748, section 5).
    publicKey: randomBytes(32).toString('base64') as (typeof spec.peers)[0]['publicKey'],
    allowedIps: [`10.86.${8 + Math.floor(index / 250)}.${1 + (index % 250)}/32`],
  }))
  const many = { ...spec, peers }
  await bring(spec)
  const before = (await machine.commandLines()).length
  expect((await bring(many)).map((step) => step.kind)).toEqual(['set-peers', 'remove-peers'])
  const commands = (await machine.commandLines()).slice(before).trim().split('\n')
  expect(commands.map((line) => line.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
    'ip -j',
    // Policy rules of IPv6, which later looks do without.
    'ip -j',
    'nft -j',
    'nft -j',
    'wg addconf',
    'wg set',
    'wg show',
  ])
  expect(await bring(many)).toEqual([])
  expect((await bring(spec)).map((step) => step.kind)).toEqual(['set-peers', 'remove-peers'])
})
