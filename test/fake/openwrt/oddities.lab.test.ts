import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { homeSpec } from '../../contract/specs.ts'
import { type OpenwrtMachine, startOpenwrtMachine } from '../../contract/openwrt/openwrt-machine.ts'
import { applyDesired } from '../../../adapters/apply.ts'
import { isLong } from '../../long.ts'
import type { Release } from './dialects.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const RELEASES: readonly Release[] = ['24.10', '25.12']

/** What OpenWrt's own programs were seen to do, that nobody would expect: the stand-ins do it too. */
describe.each(isLong ? RELEASES : RELEASES.slice(-1))('the stand-ins of OpenWrt %s', (release) => {
  let machine: OpenwrtMachine
  const run = (script: string): Promise<string> => machine.router.console(script)
  /** With its status, which must not end the script. */
  const status = (command: string): Promise<string> =>
    run(`said=$(${command} 2>&1) && code=0 || code=$?; echo "$code $said"`)
  const keepalive = async (): Promise<string> =>
    (await run('wg show hw0 persistent-keepalive')).split('\t')[1]?.trim() ?? ''
  const port = async (): Promise<string> => (await run('wg show hw0 listen-port')).trim()

  beforeAll(async () => {
    machine = await startOpenwrtMachine(release)
    const adapter = await machine.open()
    await applyDesired(adapter, [homeSpec(machine.keys)], AbortSignal.timeout(60_000))
    await adapter.close()
  })
  afterAll(() => machine?.close())

  test('the shell runs the applets that OpenWrt builds in, the stand-ins, and nothing else of busybox', async () => {
    for (const absent of ['setsid', 'timeout', 'stat', 'base64', 'truncate', 'usleep'])
      expect(await status(`${absent} 1`)).toMatch(/^127 .*not found/)
    for (const standIn of ['ifup', 'ifdown', 'modprobe'])
      expect(await run(`command -v ${standIn}`)).toBe(`/sbin/${standIn}\n`)
    expect(await status(`sh -c 'setsid true'`)).toMatch(/^127 .*not found/)
  })

  test('uci batch ends well although a line failed', async () => {
    const said = await status(`printf 'set network.bad-name=interface\\nset network.lan.note=x\\n' | uci batch`)
    expect(said).toBe('0 uci: Invalid argument\n')
    expect(await run('uci changes network')).toBe("network.lan.note='x'\n")
    await run('uci revert network')
  })

  test('uci -t isolates nobody: a commit takes what is staged elsewhere along', async () => {
    await run(
      "uci set network.lan.note='mine'; uci -t /tmp/other set network.lan.other='theirs'; uci -t /tmp/other commit network",
    )
    expect(await run('uci show network.lan')).toContain("network.lan.note='mine'")
    expect(await run('uci changes network')).toBe('')
    await run('uci delete network.lan.note; uci delete network.lan.other; uci commit network')
  })

  test('a change of a peer is passed by on reload, and renew applies it on 25.12 alone', async () => {
    const section = (await run("uci show network | grep -o 'homeward_hw0_p[0-9a-f]*' | head -n 1")).trim()
    await run(`uci set network.${section}.persistent_keepalive=7; uci commit network; ubus call network reload`)
    expect(await keepalive()).toBe('25')
    const before = await port()
    await run('ubus call network.interface.hw0 renew')
    expect(await keepalive()).toBe(release === '25.12' ? '7' : '25')
    await run('ifup hw0')
    expect(await keepalive()).toBe('7')
    // No port is configured: each new beginning has another.
    expect(await port()).not.toBe(before)
  })

  test('a change of addresses alone is passed by on reload, one of the MTU is not', async () => {
    await run("uci add_list network.hw0.addresses='10.50.0.1/24'; uci commit network; ubus call network reload")
    expect(await run('ip -4 -o addr show dev hw0')).not.toContain('10.50.0.1')
    await run('uci set network.hw0.mtu=1300; uci commit network; ubus call network reload')
    expect(await run('ip -4 -o addr show dev hw0')).toContain('10.50.0.1')
  })

  test('a reload of the firewall empties the chains that it no longer makes, and passes a missing include by', async () => {
    await run(`mkdir -p /etc/own; echo 'chain own { ip saddr 192.0.2.1 drop; }' > /etc/own/rules
for o in =include .type=nftables .position=table-append .path=/etc/own/rules; do uci set "firewall.own$o"; done
uci commit firewall; fw4 reload`)
    expect(await run('nft list chain inet fw4 own')).toContain('192.0.2.1')
    await run('rm /etc/own/rules; fw4 reload')
    expect(await run('nft list chain inet fw4 own')).not.toContain('192.0.2.1')
    await run('nft delete chain inet fw4 own')
  })

  test('one error in an include fails the whole firewall, which then stays as it was', async () => {
    const before = await run('nft list table inet fw4')
    await run("echo 'chain own {' > /etc/own/rules")
    expect(await status('fw4 check')).toMatch(/^1 .*syntax error/s)
    expect(await status('fw4 reload')).toMatch(/^1 /)
    expect(await run('nft list table inet fw4')).toBe(before)
    await run('rm -r /etc/own; uci delete firewall.own; uci commit firewall')
    expect(await status('fw4 check')).toBe('0 Ruleset passes nftables check.\n')
  })

  test('a policy rule that somebody deleted does not come back by a reload, and what is staged counts for netifd', async () => {
    const rules = async (): Promise<string> => (await machine.host.shell('ip rule show')).stdout
    await run(
      "uci set network.r=rule; uci set network.r.mark='0x1/0xf'; uci set network.r.lookup=99; uci set network.r.priority=50; uci commit network; ubus call network reload",
    )
    expect(await rules()).toMatch(/^50:.*fwmark 0x1\/0xf lookup 99/m)
    await machine.host.shell('ip rule del priority 50')
    await run('ubus call network reload')
    expect(await rules()).not.toMatch(/^50:/m)
    await run('uci delete network.r; ubus call network reload; uci revert network; ubus call network reload')
    expect(await rules()).toMatch(/^50:/m)
    await run('uci delete network.r; uci commit network; ubus call network reload')
    expect(await rules()).not.toMatch(/^50:/m)
  })

  test('what was taken down stays down through a reload', async () => {
    await run('ifdown hw0; ubus call network reload')
    expect(await run('ip -o link show')).not.toContain('hw0')
    await run('ifup hw0')
    expect(await run('ip -o link show')).toContain('hw0')
  })

  test('ifup of what is not there ends well', async () => {
    expect(await status('ifup nope')).toBe('0 Interface nope not found\n')
  })

  test('a ubus call that fails says its whole argument again', async () => {
    expect(await status(`ubus call nobody confirm '{"word":"secret"}'`)).toBe(
      '252 Command failed: ubus call nobody confirm {"word":"secret"} (Not found)\n',
    )
    expect(await status('ubus call network.interface.nope status')).toMatch(/^252 .*Not found/)
  })

  test('an interface name that the kernel does not take is taken by uci, and never comes up', async () => {
    const name = 'sixteen_letters_'
    await run(
      `uci set network.${name}=interface; uci set network.${name}.proto=wireguard; uci commit network; ubus call network reload`,
    )
    expect(await run(`ubus call network.interface.${name} status`)).toContain('"up": false')
    await run(`uci delete network.${name}; uci commit network; ubus call network reload`)
  })

  test('what is not known is refused', async () => {
    expect(await status('uci rename network.lan=x')).toMatch(/^1 /)
    expect(await status('ubus call network nonsense')).toMatch(/^253 /)
    await run('uci set firewall.homeward_hw0_zone.nonsense=1; uci commit firewall')
    expect(await status('fw4 reload')).toMatch(/^1 .*nonsense/)
  })
})
