import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import type { Host } from '../../lab/host/host.ts'
import type { Picture } from '../../lab/picture.ts'
import { isLong } from '../../long.ts'
import type { ScratchMachine } from '../scratch-machine.ts'
import { untilUp, type VpsAndPi } from '../vps-and-pi.ts'
import { bootDebians, journalOf, KNOW_HUB, KNOW_NOBODY, RELEASES, secondsUntilWorks } from './machines.ts'

/** What the kernel of a machine that was off knows: the card's address and route, and nothing of homeward's. */
const NEW_KERNEL = `
nft flush ruleset
conntrack --flush 2>/dev/null
ip link delete hw0 2>/dev/null || true
ip rule flush
ip rule add from all lookup main priority 32766
ip rule add from all lookup default priority 32767
echo 0 >/proc/sys/net/ipv4/ip_forward`

/** Gives the daemons another time than the machine's, which is everybody's: so many milliseconds off, as a file says at the moment. */
const OTHER_CLOCK = `
import { readFileSync } from 'node:fs'
const Real = Date
let off = 0, readAt = -1000
const now = () => {
  if (performance.now() - readAt > 200) {
    readAt = performance.now()
    off = Number(readFileSync('/opt/clock-off', 'utf8'))
  }
  return Real.now() + off
}
globalThis.Date = class Date extends Real {
  constructor(...given) { given.length === 0 ? super(now()) : super(...given) }
  static now() { return now() }
}
`

const AWAY_MS = 40_000

/** In the long run only: both releases are downloaded. One story: each test goes on from the last. */
describe.runIf(isLong).each(RELEASES)('%s that boots', { timeout: 900_000 }, (release) => {
  let machines: VpsAndPi
  let picture: Picture
  let vps: ScratchMachine
  let pi: ScratchMachine
  let both: readonly { machine: ScratchMachine; host: Host; service: string; network: string }[]

  beforeAll(async () => {
    machines = await bootDebians(release)
    ;({ picture, vps, pi } = machines)
    const plugIn = (address: string, gateway: string) =>
      `ip link set eth0 up; ip addr add ${address} dev eth0; ip route add default via ${gateway}`
    const { lan, pi: piHost } = picture.home
    both = [
      { machine: vps, host: picture.hub, service: 'homeward-hub', network: plugIn('203.0.113.10/24', '203.0.113.1') },
      { machine: pi, host: piHost, service: 'homeward', network: plugIn(`${lan.pi}/24`, lan.router) },
    ]
    // Both services are as they are after a first boot: the lifetime of the line is known.
    await secondsUntilWorks(picture)
  }, 1_800_000)
  afterAll(() => machines.end())

  /** Power off and on. @param during while they are off, at each. */
  const reboot = (during = '', disk: 'rw' | 'ro' = 'rw', which = both) =>
    Promise.all(
      which.map(({ machine, host }) =>
        machine.powerCut(async () => void (await host.shell(`${NEW_KERNEL}\n${during}`)), disk),
      ),
    )

  /** Everything carries again, no start failed, and the journal has few warnings, each a sentence. */
  async function cameUp(what: string, most = 8): Promise<void> {
    const seconds = await secondsUntilWorks(picture, 180_000)
    await untilUp(pi)
    console.log(`${release}: ${what}: everything carries after ${seconds} s`)
    for (const { machine, service } of both) {
      const { stdout } = await machine.shell(`systemctl show --property ActiveState,NRestarts ${service}`)
      const warnings = await journalOf(machine, service, 'warning')
      console.log(`${release}: ${what}: ${service} warns:\n  ${warnings.join('\n  ')}`)
      expect(stdout.trim().split('\n').toSorted()).toEqual(['ActiveState=active', 'NRestarts=0'])
      expect(warnings.length).toBeLessThanOrEqual(most)
      for (const warning of warnings) expect(warning).not.toMatch(/\{"|^ +at /)
    }
  }

  test('with all that it needs has everything up by itself', async () => {
    for (const one of both) {
      await reboot('', 'rw', [one])
      await cameUp(`power cut at ${one.service}`)
      expect(await journalOf(one.machine, one.service, 'warning')).toEqual([])
    }
  })

  test('without a network has it up when that is there', async () => {
    await reboot('ip addr flush dev eth0; ip link set eth0 down')
    await sleep(AWAY_MS)
    // A start without a network is no failed start, and a boot is not held up.
    for (const { machine, service } of both)
      expect((await machine.shell(`systemctl is-active ${service}`)).stdout.trim()).toBe('active')
    for (const { host, network } of both) await host.shell(network)
    await cameUp('without a network')
  })

  test('without DNS, which never comes, has it up', async () => {
    await pi.shell(KNOW_NOBODY)
    await reboot('', 'rw', both.slice(1))
    await cameUp('without DNS')
    await pi.shell(KNOW_HUB)
  })

  test('without its hub has it up when that is there', async () => {
    await vps.powerCut(async () => {
      await picture.hub.shell(NEW_KERNEL)
      await pi.powerCut(async () => void (await picture.home.pi.shell(NEW_KERNEL)))
      await sleep(AWAY_MS)
      expect((await pi.shell('systemctl is-active homeward')).stdout.trim()).toBe('active')
    })
    await cameUp('without its hub')
  })

  test.each([
    ['in 1970', () => -Date.now()],
    ['in 2099', () => Date.UTC(2099, 0) - Date.now()],
  ])('%s has it up, and keeps it when the clock is put right', async (what, off) => {
    for (const { machine, service } of both)
      await machine.shell(`
cat >/opt/clock.mjs <<'X'
${OTHER_CLOCK}
X
echo ${off()} >/opt/clock-off
mkdir -p /etc/systemd/system/${service}.service.d
sed -n 's/^Environment="\\?NODE_OPTIONS=\\([^"]*\\)"\\?$/[Service]\\nEnvironment="NODE_OPTIONS=\\1 --import=\\/opt\\/clock.mjs"/p' /usr/lib/systemd/system/${service}.service >/etc/systemd/system/${service}.service.d/clock.conf`)
    await reboot()
    await cameUp(what)
    for (const { machine } of both) await machine.shell('echo 0 >/opt/clock-off')
    await sleep(20_000)
    await cameUp(`${what}, and put right`)
    for (const { machine, service } of both)
      await machine.shell(`rm -r /etc/systemd/system/${service}.service.d; systemctl daemon-reload`)
  })

  test('with a full disk has it up, and writes again when there is room', async () => {
    for (const { machine } of both) await machine.leaveRoom(0)
    await reboot()
    await cameUp('with a full disk')
    for (const { machine } of both) await machine.leaveRoom(null)
    await writesAgain()
  })

  test('with a disk that is read-only has it up, and writes again when that is over', async () => {
    await reboot('', 'ro')
    await cameUp('with a read-only disk')
    for (const { machine } of both) await machine.shell('mount -o remount,rw /')
    await writesAgain()
  })

  async function writesAgain(): Promise<void> {
    await vps.shell('homeward device add laptop --conf - >/dev/null && homeward device remove laptop --yes')
    await pi.shell('systemctl restart homeward')
    await untilUp(pi)
    await vps.shell('systemctl restart homeward-hub')
    await secondsUntilWorks(picture)
    expect((await pi.shell('homeward events --since 2m')).stdout).toContain('agent')
  }
})
