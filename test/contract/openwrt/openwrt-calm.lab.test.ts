import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { applyDesired } from '../../../adapters/apply.ts'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { someOf } from '../../long.ts'
import { only } from '../../adapters/only.ts'
import { homeSpec } from '../specs.ts'
import type { OpenAdapter } from '../machine.ts'
import { type OpenwrtMachine, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const signal = (): AbortSignal => AbortSignal.timeout(60_000)

describe('a look at a router while nothing is in doubt', () => {
  let machine: OpenwrtMachine
  let spec: TunnelSpec
  let adapter: OpenAdapter
  beforeAll(async () => {
    machine = await startOpenwrtMachine('25.12')
    spec = homeSpec(machine.keys)
    adapter = await machine.open()
    await applyDesired(adapter, only(spec), signal())
  })
  afterAll(() => machine?.close())

  const run = (script: string): Promise<string> => machine.router.console(script)
  const steps = async (pace?: 'calm') => adapter.plan(await adapter.observe(signal(), pace), only(spec)).steps

  test('asks WireGuard alone, and sees the same', async () => {
    const before = await adapter.observe(signal())
    const told = (await machine.router.commands()).length
    const calm = await adapter.observe(signal(), 'calm')
    const commands = (await machine.router.commands()).slice(told)
    expect(commands).toMatch(/^wg show all dump$/m)
    expect(commands).not.toMatch(/^(uci|ubus|nft|fw4|ifup) /m)
    expect(commands).not.toContain('private_key')
    expect(calm.interfaces).toMatchObject(
      before.interfaces.map(({ name, publicKey, addresses, routes, mtu, up }) => ({
        name,
        publicKey,
        addresses,
        routes,
        mtu,
        up,
      })),
    )
    expect(await steps('calm')).toEqual([])
  })

  const CHANGES = [
    ['a section', 'uci set network.hw0.mtu=1300; uci commit network'],
    ['a rule', 'uci delete firewall.homeward_hw0_in; uci commit firewall'],
    ['the device', 'ip link del hw0'],
    ['the device, down', 'ip link set hw0 down'],
    ['its MTU', 'ip link set hw0 mtu 1300'],
    ['its address', 'ip addr del 10.86.0.2/16 dev hw0'],
    ['its route', 'ip route del 10.86.0.0/16 dev hw0'],
    ['its peer', 'wg set hw0 peer "$(wg show hw0 peers)" remove'],
  ] as const
  test.each(someOf(CHANGES, 4))('sees at once what was changed of %s', async (_what, script) => {
    expect(await steps()).toEqual([])
    await run(script)
    expect(await steps('calm')).not.toEqual([])
    await applyDesired(adapter, only(spec), signal())
  })

  test('sees at once what somebody staged', async () => {
    await steps()
    await run("uci set network.lan.note='x'")
    expect((await adapter.observe(signal(), 'calm')).clashes).toMatchObject([{ code: 'router-changes-pending' }])
    await run('uci revert network')
    expect((await adapter.observe(signal(), 'calm')).clashes).toEqual([])
  })

  test('costs the router a fraction of one at all', async () => {
    const cost = async (pace?: 'calm'): Promise<number> => {
      const before = await machine.router.sessionTicks()
      for (let looks = 0; looks < 20; looks += 1) await adapter.observe(signal(), pace)
      return (await machine.router.sessionTicks()) - before
    }
    const [all, calm] = [await cost(), await cost('calm')]
    process.stderr.write(`20 looks at all took ${all} ticks of CPU, 20 calm ones ${calm}\n`)
    expect(calm * 3).toBeLessThan(all)
  })

  test('goes by the shell that heeds the router, where there is one', async () => {
    expect(await adapter.hear()).toBeNull()
    await adapter.observe(signal())
    const told = (await machine.router.commands()).length
    expect(await steps('calm')).toEqual([])
    const commands = (await machine.router.commands()).slice(told)
    expect(commands).toMatch(/^nft -st list table inet fw4$/m)
    // No other shell, and none of what a look at all asks.
    expect(commands).not.toMatch(/^(-c|uci|ubus|fw4) /m)
    // Nobody tells of it, and no stamp: that shell alone compares it.
    await run('nft flush chain inet fw4 forward_hw0')
    expect(await steps('calm')).not.toEqual([])
    await applyDesired(adapter, only(spec), signal())
  })
})
