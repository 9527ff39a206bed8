import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Status } from '../../agent/report/status.ts'
import type { HubStatus } from '../../hub/report/status.ts'
import { sleep } from '../../system/time/sleep.ts'
import { askedBy } from '../lab/places/camera.ts'
import type { Picture } from '../lab/picture.ts'
import { isLong } from '../long.ts'
import type { ScratchMachine } from './scratch-machine.ts'
import {
  bootVpsAndPi,
  camera,
  install,
  invite,
  mainPid,
  RELEASE,
  tunnelPid,
  until,
  untilUp,
  type VpsAndPi,
} from './vps-and-pi.ts'

/** A VPS and a Pi with systemd, installed by the two commands of the README. One story: each test goes on from the last. */
let machines: VpsAndPi
let picture: Picture
let vps: ScratchMachine
let pi: ScratchMachine

beforeAll(async () => {
  machines = await bootVpsAndPi()
  ;({ picture, vps, pi } = machines)
})
afterAll(() => machines.end())

test('the VPS becomes a hub, as a service that starts at boot', async () => {
  const said = await install(vps, 'hub --address 203.0.113.10')
  expect(said).toContain('homeward-hub runs, and starts at boot')
  expect(said).toContain('homeward hub invite HOME')
  await vps.shell('systemctl is-active homeward-hub && systemctl is-enabled homeward-hub && homeward hub status')
})

test('the Pi becomes a home with the token, and shows that the tunnel is up', async () => {
  const said = await install(pi, `home ${await invite(vps)}`)
  expect(said).toContain('homeward runs, and starts at boot')
  await untilUp(pi)
  expect(askedBy(await camera(picture))).toBe(picture.home.lan.pi)
})

test('the services run as their own user, with no more capabilities than they need', async () => {
  const net = { admin: 1 << 12, raw: 1 << 13, bindService: 1 << 10 }
  for (const [machine, service, capabilities] of [
    [vps, 'homeward-hub', net.admin | net.raw | net.bindService],
    [pi, 'homeward', net.admin | net.raw],
  ] as const) {
    const pid = await mainPid(machine, service)
    const { stdout } = await machine.shell(`stat -c %U /proc/${pid}; grep -E 'CapEff|CapBnd' /proc/${pid}/status`)
    expect(stdout.split(/\s+/)).toEqual([
      'homeward',
      'CapEff:',
      capabilities.toString(16).padStart(16, '0'),
      'CapBnd:',
      capabilities.toString(16).padStart(16, '0'),
      '',
    ])
  }
})

const OLDER_IPTABLES = `
for name in iptables ip6tables; do update-alternatives --set $name /usr/sbin/$name-legacy; done
iptables -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
iptables -A INPUT -i lo -j ACCEPT
iptables -A INPUT -j REJECT
iptables -P FORWARD DROP
ip6tables -A INPUT -j REJECT`

const LATER_IPTABLES = `
for name in iptables ip6tables; do $name -F && $name -P FORWARD ACCEPT && update-alternatives --auto $name; done`

const warningsAt = async (machine: ScratchMachine): Promise<readonly string[]> => {
  const hub = machine === vps
  const { stdout } = await machine.shell(hub ? 'homeward hub status --json' : 'homeward status --json', {
    allowFailure: true,
  })
  const status = JSON.parse(stdout) as HubStatus & Status
  return (hub ? status.warnings : status.router.warnings) ?? ['none said']
}

test('the services open a firewall of iptables-legacy too, and say when its lock is closed to them', async () => {
  const saved = async (machine: ScratchMachine): Promise<string> =>
    (await machine.shell('iptables-legacy-save; ip6tables-legacy-save')).stdout
  for (const machine of [vps, pi]) {
    await machine.shell(OLDER_IPTABLES)
    await until('rules in INPUT or FORWARD', async () => (await saved(machine)).includes('--comment homeward'))
    await until('no warning', async () => (await warningsAt(machine)).length === 0)
  }
  expect(await saved(vps)).toMatch(
    /-A INPUT -p udp -m udp --dport 51820 [^]*\*filter[^]*-A INPUT -p udp -m udp --dport 51820 /,
  )
  await until('the camera', async () => (await camera(picture)).includes('camera'))

  await pi.shell('chmod 0600 /run/xtables.lock && iptables -F FORWARD')
  const refusal = /iptables\): .*xtables\.lock: Permission denied/
  await until('a warning', async () => (await warningsAt(pi)).some((warning) => refusal.test(warning)))
  await pi.shell('chmod 0640 /run/xtables.lock')
  await until('no warning', async () => (await warningsAt(pi)).length === 0)
  expect(await camera(picture)).toContain('camera')

  for (const machine of [vps, pi]) await machine.shell(LATER_IPTABLES)
})

test('the tunnel that join made stays at the first start: the service’s user goes on with it', async () => {
  for (const machine of [vps, pi])
    expect((await machine.shell('ps -o user= -C wireguard-go')).stdout.trim()).toBe('homeward')
  const { stdout } = await pi.shell('homeward status --json', { allowFailure: true })
  expect((JSON.parse(stdout) as Status).mapping.changes).toBe(0)
  expect((await pi.shell('homeward events --json')).stdout).not.toContain('"kind":"drift"')
})

test('nobody but the service’s user can read settings, keys and state', async () => {
  for (const machine of [vps, pi]) {
    const { stdout } = await machine.shell('find /etc/homeward /var/lib/homeward ! -user homeward -o -perm /077 | sort')
    expect(stdout).toBe('')
  }
})

test('a second run of both commands changes nothing, and the tunnel stays', async () => {
  const before = [await tunnelPid(vps), await tunnelPid(pi), (await vps.shell('cat /etc/homeward/hub.yaml')).stdout]
  expect(await install(vps, 'hub')).toContain('this hub is set up already')
  expect(await install(vps, 'hub --address 203.0.113.10')).toContain('nothing was changed')
  const again = await install(pi, 'home hw1.not-looked-at.0')
  expect(again).toContain('the token was not used')
  expect(again).toContain('sudo homeward join --again TOKEN')
  await untilUp(pi)
  const after = [await tunnelPid(vps), await tunnelPid(pi), (await vps.shell('cat /etc/homeward/hub.yaml')).stdout]
  expect(after).toEqual(before)
})

test('a home that the hub forgot joins again under its service, which goes on', async () => {
  const pid = await mainPid(pi, 'homeward')
  await vps.shell('homeward hub remove cabin --yes')
  const { stdout } = await pi.shell(`homeward join --again ${await invite(vps)} --yes`, { timeoutMs: 180_000 })
  expect(stdout).toContain('The running agent goes on with it.')
  await untilUp(pi)
  expect(askedBy(await camera(picture))).toBe(picture.home.lan.pi)
  expect(await mainPid(pi, 'homeward')).toBe(pid)
  const { stdout: owners } = await pi.shell('stat -c "%U %a" /etc/homeward/*')
  expect([...new Set(owners.trim().split('\n'))]).toEqual(['homeward 600'])
  await until('nothing to plan', async () =>
    /"steps": *\[\]/.test((await pi.shell('homeward plan --json', { allowFailure: true })).stdout),
  )
})

test('a daemon that is killed comes back by itself, and nobody at home notices', async () => {
  for (const [machine, service] of [
    [vps, 'homeward-hub'],
    [pi, 'homeward'],
  ] as const) {
    const [killed, tunnel] = [await mainPid(machine, service), await tunnelPid(machine)]
    await machine.shell(`kill -KILL ${killed}`)
    expect(await camera(picture)).toContain('camera')
    await until(`${service} again`, async () => !['0', killed].includes(await mainPid(machine, service)))
    expect(await tunnelPid(machine)).toBe(tunnel)
  }
  await untilUp(pi)
})

test('the tunnel works on while the services are stopped', async () => {
  await Promise.all([vps.shell('systemctl stop homeward-hub'), pi.shell('systemctl stop homeward')])
  expect(await camera(picture)).toContain('camera')
  await Promise.all([vps.shell('systemctl start homeward-hub'), pi.shell('systemctl start homeward')])
  await untilUp(pi)
})

test.runIf(isLong)('a service that is stopped while the line is being measured ends at once, and cleanly', async () => {
  for (const [machine, service, host] of [
    [pi, 'homeward', picture.home.pi],
    [vps, 'homeward-hub', picture.hub],
  ] as const) {
    // One flow for each silence; a start measures a line of which nothing is known.
    const measures = async (): Promise<boolean> =>
      (await host.run('ss', ['-Hun', `dst ${picture.hubAddress}`])).stdout.trim().split('\n').length >= 8
    if (service === 'homeward') {
      await machine.shell('systemctl stop homeward; rm -f /var/lib/homeward/line.json; systemctl start homeward')
      await untilUp(pi)
      await until('the line is measured', measures)
      // They are silent when they have settled.
      await sleep(8_000)
      expect(await measures()).toBe(true)
    }
    const from = performance.now()
    await machine.shell(`systemctl stop ${service}`, { timeoutMs: 180_000 })
    expect(performance.now() - from).toBeLessThan(30_000)
    const { stdout } = await machine.shell(`systemctl show --property Result --value ${service}`)
    expect(stdout.trim()).toBe('success')
  }
  await Promise.all([vps.shell('systemctl start homeward-hub'), pi.shell('systemctl start homeward')])
  await untilUp(pi)
})

const AGES_MS = Array.from({ length: isLong ? 20 : 3 }, () => Math.round(Math.random() * 5_000))
test('a service that is stopped, however long ago it began, ends at once', async () => {
  const took = async (machine: ScratchMachine, service: string, ageMs: number): Promise<number> => {
    const { stdout } = await machine.shell(
      `systemctl start --no-block ${service}; sleep ${ageMs / 1_000}
from=$(date +%s%3N); systemctl stop ${service}; echo $(($(date +%s%3N) - from))
systemctl show --property Result --value ${service}`,
      { timeoutMs: 180_000 },
    )
    const [ms, result] = stdout.trim().split('\n')
    expect(result).toBe('success')
    return Number(ms)
  }
  await Promise.all([vps.shell('systemctl stop homeward-hub'), pi.shell('systemctl stop homeward')])
  const all: number[] = []
  for (const ageMs of AGES_MS) {
    all.push(await took(pi, 'homeward', ageMs))
    all.push(await took(vps, 'homeward-hub', ageMs))
  }
  console.log(`stopping took ${all.join(', ')} ms`)
  // A second, and what a busy machine adds to it; a hang would take ten.
  expect(Math.max(...all)).toBeLessThan(5_000)
  await Promise.all([vps.shell('systemctl start homeward-hub'), pi.shell('systemctl start homeward')])
  await untilUp(pi)
})

test('a daemon that hangs is noticed within a minute, and started again; the tunnel carries meanwhile', async () => {
  const both = [
    [vps, 'homeward-hub', 'homes: 1, devices: 0'],
    [pi, 'homeward', 'hw0 is up'],
  ] as const
  for (const [machine, service, text] of both)
    await until('it says how it is', async () => {
      const { stdout } = await machine.shell(`systemctl show --property Type,StatusText ${service}`)
      return stdout.includes('Type=notify') && stdout.includes(`StatusText=${text}`)
    })
  await Promise.all(
    both.map(async ([machine, service]) => {
      const hung = await mainPid(machine, service)
      await machine.shell(`kill -STOP ${hung}`)
      await until('another one runs', async () => !['0', hung].includes(await mainPid(machine, service)), 60_000)
    }),
  )
  expect(askedBy(await camera(picture))).toBe(picture.home.lan.pi)
  await untilUp(pi)
})

test('the journal knows what is a warning, and what an error', async () => {
  const asked = 'journalctl --quiet --no-pager --unit homeward --output cat --priority'
  await pi.shell('echo "lan: nonsense" >> /etc/homeward/agent.yaml; systemctl kill --signal HUP homeward')
  await until('said', async () =>
    (await pi.shell(`${asked} err`)).stdout.includes('The last good configuration stays in force'),
  )
  await pi.shell('sed -i "/^lan: nonsense$/d" /etc/homeward/agent.yaml; systemctl kill --signal HUP homeward')
  // The others are systemd's own, of the unit.
  const ours = async (priority: string): Promise<readonly string[]> =>
    (await pi.shell(`${asked} ${priority}`)).stdout
      .trim()
      .split('\n')
      .filter((line) => !/systemd|Scheduled/.test(line))
  const wrong = await ours('warning')
  expect(wrong.join('\n')).not.toContain('{"')
  expect(wrong.join('\n')).not.toContain('the agent watches')
  expect((await ours('info')).join('\n')).toContain('the agent watches this home’s tunnel  home=cabin')
  const told = await pi.shell('homeward logs --since 1h')
  expect(told.stdout).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ {2}error: .*The last good configuration stays in force/m,
  )
})

test('after a reboot the services bring everything back, without root', async () => {
  for (const [machine, service] of [
    [vps, 'homeward-hub'],
    [pi, 'homeward'],
  ] as const)
    await machine.shell(`
systemctl stop ${service}
ip link delete hw0
nft flush ruleset
echo 0 > /proc/sys/net/ipv4/ip_forward
systemctl start ${service}`)
  await untilUp(pi)
  expect(askedBy(await camera(picture))).toBe(picture.home.lan.pi)
  for (const machine of [vps, pi])
    expect((await machine.shell('ps -o user= -C wireguard-go')).stdout.trim()).toBe('homeward')
})

test('uninstalled, a home has none of homeward’s interfaces, rules and services, and keeps its settings', async () => {
  const said = await install(pi, 'uninstall')
  expect(said).toContain('kept: settings and keys in /etc/homeward')
  const { stdout } = await pi.shell(`
ip -brief link show type tun
nft list tables
cat /proc/sys/net/ipv4/ip_forward
ls -d /usr/local/lib/homeward /usr/local/bin/homeward /etc/systemd/system/homeward* /run/homeward 2>/dev/null || true
ls /etc/homeward`)
  expect(stdout.trim().split('\n')).toEqual(['0', 'agent.yaml', 'home.secret', 'private.key'])
})

test('installed again without a token, it is the home it was', async () => {
  expect(await install(pi, 'home')).toContain('this home has joined already')
  await untilUp(pi)
  expect(await camera(picture)).toContain('camera')
})

test('purged, even after it was uninstalled, a home is forgotten by its hub, and nothing of homeward is left', async () => {
  await install(pi, 'uninstall')
  await install(pi, 'uninstall --purge')
  const { homes } = JSON.parse((await vps.shell('homeward hub status --json')).stdout) as { homes: readonly unknown[] }
  expect(homes).toEqual([])
  const { stdout } = await pi.shell(
    'ls -d /etc/homeward /var/lib/homeward 2>/dev/null || true; getent passwd homeward || true',
  )
  expect(stdout).toBe('')
})

test('a hub is uninstalled and purged the same way', async () => {
  await install(vps, 'uninstall --purge')
  const { stdout } = await vps.shell(`
ip -brief link show type tun
nft list tables
find /etc /run /usr /var -xdev -path /var/tmp -prune -o -name '*homeward*' -print`)
  expect(stdout).toBe('')
})

test('a wrong token leaves no service, and says what to do', async () => {
  const { stderr, exitCode } = await pi.shell(`${RELEASE}/install.sh home hw1.wrong.token </dev/null`, {
    allowFailure: true,
    timeoutMs: 180_000,
  })
  expect(exitCode).toBe(1)
  expect(stderr).toContain('[token-damaged]')
  const { stdout } = await pi.shell('systemctl is-active homeward || true; ip -brief link show type tun')
  expect(stdout.trim()).toBe('inactive')
})
