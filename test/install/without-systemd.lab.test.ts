import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLab, type Lab } from '../lab/lab.ts'
import { someOf } from '../long.ts'
import { unpackRelease } from './release.ts'
import { bootScratchMachine, type ScratchMachine } from './scratch-machine.ts'

let lab: Lab
let vps: ScratchMachine

beforeAll(async () => {
  lab = await createLab()
  const [host] = await lab.addHosts([{ name: 'vps' }])
  vps = await bootScratchMachine(lab, host!, 'none')
  await unpackRelease(vps, '/opt/homeward')
})
afterAll(async () => {
  await vps.end()
  await lab.close()
})

const install = (words: string) =>
  vps.shell(`/opt/homeward/install.sh ${words} </dev/null`, { allowFailure: true, timeoutMs: 180_000 })

test('where systemd is not process 1 everything is installed, and it says how to run it', async () => {
  const { stdout, exitCode } = await install('hub --address vps.example.org')
  expect(exitCode).toBe(0)
  expect(stdout).toContain('was not booted with systemd')
  expect(stdout).toMatch(/^ {2}homeward hub run$/m)
  await vps.shell('wg show hw0; test -e /etc/systemd/system/homeward-hub.service')
})

test('with the name of a home it prints the line to run there, and what it wrote for that is the services’ own', async () => {
  const { stdout, exitCode } = await install('hub --home cabin')
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^\.\/install\.sh home hw1\.\S+ --device phone$/m)
  expect(stdout).not.toContain('hub invite')
  expect((await vps.shell('find /var/lib/homeward ! -user homeward')).stdout).toBe('')
  const nameless = await install('hub --home')
  expect(nameless.exitCode).toBe(1)
  expect(nameless.stderr).toContain('there is no name behind --home. Nothing was changed.')
})

test('uninstall waits for nobody: it says that homeward still runs, and changes nothing', async () => {
  await vps.shell(`
(homeward hub run >/var/hub.log 2>&1 & echo $! >/var/hub.pid)
until grep 'the hub is ready' /var/hub.log; do sleep 0.1; done`)
  const { stderr, exitCode } = await install('uninstall')
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^install\.sh: homeward still runs \(process \d+\)\. Stop it, then run this again\.$/m)
  await vps.shell('wg show hw0; kill -TERM "$(cat /var/hub.pid)"; while pgrep -f "hub run"; do sleep 0.1; done')
})

test('uninstalled, interface and rules are gone, and somebody else’s stay', async () => {
  await vps.shell(`
ip link add theirs type bridge
ip link set theirs alias 'homeward bound'
nft add table inet theirs`)
  expect((await install('uninstall')).exitCode).toBe(0)
  await vps.shell('while pgrep -x wireguard-go; do sleep 0.05; done')
  const { stdout } = await vps.shell('ls /sys/class/net; nft list tables')
  expect(stdout.trim().split('\n')).toEqual(['lo', 'theirs', 'table inet theirs'])
})

const SETTINGS: readonly (readonly [string, boolean])[] = [
  ['router:\n  kind: openwrt\n  host: 192.168.1.1', true],
  ['router: { host: 192.168.1.1, "kind": "openwrt" }', true],
  ["router:\n  kind: 'mikrotik'", true],
  ['router:\n  kind: linux\n  # kind: openwrt', false],
  ['router: { kind: linux }  # not mikrotik', false],
]
test.each(someOf(SETTINGS, 3))(
  'uninstall sees where the tunnel ends, and purge keeps what takes it away: %j',
  async (text, onRouter) => {
    await vps.shell(`
mkdir -p /etc/homeward
printf '${text.replaceAll("'", `'"'"'`).replaceAll('\n', '\\n')}\\n' >/etc/homeward/agent.yaml
echo secret >/etc/homeward/home.secret`)
    expect((await install('uninstall')).stdout.includes('kept: the tunnel on the router')).toBe(onRouter)
    if (onRouter) await vps.shell('echo login >/etc/homeward/router.key')
    const { exitCode, stderr } = await install('uninstall --purge')
    expect(exitCode).toBe(onRouter ? 1 : 0)
    expect(stderr.includes('the tunnel on the router could not be removed')).toBe(onRouter)
    const { stdout } = await vps.shell('cat /etc/homeward/home.secret 2>/dev/null || true; rm -rf /etc/homeward')
    expect(stdout).toBe(onRouter ? 'secret\n' : '')
  },
)

test('a second uninstall has nothing to do and says no other', async () => {
  expect((await install('uninstall --purge')).exitCode).toBe(0)
  expect((await install('uninstall --purge')).exitCode).toBe(0)
  expect((await install('upgrade')).stderr).toContain('homeward is not installed here')
})

test('the address of a machine that has none of the internet is asked for', async () => {
  await vps.shell(
    'ip link add eth0 type bridge; ip addr add 172.31.5.4/20 dev eth0; ip link set eth0 up; ip route add default dev eth0',
  )
  const before = await vps.written()
  const { stderr, exitCode } = await install('hub')
  expect(exitCode).toBe(1)
  expect(stderr).toContain('172.31.5.4')
  expect(stderr).toContain('./install.sh hub --address HOST')
  expect(await vps.written()).toEqual(before)
})

test('the address of a machine that has one of the internet is found', async () => {
  await vps.shell('ip addr flush dev eth0; ip addr add 203.0.113.7/24 dev eth0; ip route add default via 203.0.113.1')
  const { stderr, exitCode } = await install('hub')
  expect(exitCode).toBe(0)
  expect(stderr).toContain('reached at 203.0.113.7')
  expect((await vps.shell('cat /etc/homeward/hub.yaml')).stdout).toContain('addresses: ["203.0.113.7"]')
})
