import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { applyDesired } from '../../../adapters/apply.ts'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { homeForwarding } from '../../adapters/forwarding.ts'
import { someOf } from '../../long.ts'
import { homeSpec } from '../specs.ts'
import { type LanWitness, watchLan } from './lan-witness.ts'
import { type OpenwrtMachine, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 120_000 })

const signal = (): AbortSignal => AbortSignal.timeout(120_000)
/** More than any change has. */
const NEVER = 100_000

interface Deed {
  readonly script: string
  /** What makes it undone, by whoever did it. */
  readonly ends: string
}

const DEEDS = {
  'a commit of somebody else': {
    script: `uci set network.lan.note=mine; uci set firewall.mine=rule; uci set firewall.mine.name=mine; uci set firewall.mine.src=lan; uci set firewall.mine.target=ACCEPT; uci commit`,
    ends: 'uci delete network.lan.note; uci delete firewall.mine; uci commit',
  },
  'an apply of LuCI that nobody confirms': {
    script: `uci -t /var/run/rpcd/uci-x set network.lan.note=luci; ubus call uci apply '{"ubus_rpc_session":"x","rollback":true,"timeout":4}'`,
    // It takes that back itself.
    ends: 'while [ -e /var/run/rpcd/snapshot-files/network ]; do sleep 1; done',
  },
  'a full flash': {
    script: 'dd if=/dev/zero of=/overlay/filler bs=1k 2>/dev/null || true',
    ends: 'rm -f /overlay/filler',
  },
} as const satisfies Record<string, Deed>

/** The router's owner does something after any program that a change runs on it. */
describe('a router at which somebody is at work', () => {
  let machine: OpenwrtMachine
  let home: TunnelSpec
  let lan: LanWitness
  beforeAll(async () => {
    machine = await startOpenwrtMachine('24.10', { rollbackSeconds: 20, flashKib: 512 })
    home = homeSpec(machine.keys)
    lan = await watchLan(machine.host)
  })
  afterAll(async () => {
    await lan?.end()
    await machine?.close()
  })

  const run = (script: string): Promise<string> => machine.router.console(script)
  const ours = async (): Promise<readonly string[]> => (await machine.leftovers()).toSorted()
  const cabled = async (): Promise<string> => (await run('ip -o link show dev lan0')).replace(/^\d+: /, '')
  const isPending = async (): Promise<boolean> =>
    (await run('ls /var/run/homeward 2>/dev/null || true')).includes('pending')

  async function bring(to: readonly TunnelSpec[]): Promise<void> {
    const adapter = await machine.open()
    await applyDesired(adapter, to, signal())
    await adapter.close()
  }

  const changes = (): Readonly<Record<string, readonly [from: readonly TunnelSpec[], to: readonly TunnelSpec[]]>> => {
    const other = { ...home, mtu: 1300, forwarding: homeForwarding({ lan: ['192.168.7.0/24'], mode: 'masquerade' }) }
    return { 'a first tunnel': [[], [home]], 'a tunnel that stood': [[home], [other]], leave: [[home], []] }
  }

  const cases = Object.keys(DEEDS).flatMap((deed) =>
    ['a first tunnel', 'a tunnel that stood', 'leave'].map((change) => [deed as keyof typeof DEEDS, change] as const),
  )
  // In the usual run each deed at one change, and each change once.
  test.each(someOf(cases, 3))('%s, at each program of %s', async (deed, change) => {
    const { script, ends } = DEEDS[deed]
    const [from, to] = changes()[change]!
    await bring(from)
    const [owners, cable] = [await machine.foreign('hw0'), await cabled()]
    await machine.router.interject(NEVER, 'true')
    await bring(to)
    const count = await machine.router.counted()
    const wanted = await ours()
    for (const after of someOf(
      Array.from({ length: count }, (_, index) => index + 1),
      2,
    )) {
      const said = `${deed}, after ${after} of ${count} programs of ${change}`
      await bring([])
      if (from.length > 0) await bring(from)
      await machine.router.interject(after, script)
      const adapter = await machine.open()
      await applyDesired(adapter, to, signal()).catch(() => undefined)
      expect(await cabled(), said).toBe(cable)
      expect(lan.interruptions(), said).toEqual([])
      // What its owner wrote is there, or LuCI has taken it back; and no file was emptied.
      const during = await machine.foreign('hw0')
      expect(during, said).toContain("config interface 'lan'")
      if (deed === 'a commit of somebody else')
        expect(during, said).toMatch(/option note 'mine'[\s\S]*config rule 'mine'/)
      await run(ends)
      await vi.waitFor(async () => expect(await isPending(), said).toBe(false), { timeout: 120_000, interval: 500 })

      await vi.waitFor(() => applyDesired(adapter, to, signal()), { timeout: 60_000, interval: 1_000 })
      expect(adapter.plan(await adapter.observe(signal()), to), said).toMatchObject({ steps: [], refusals: [] })
      expect(await ours(), said).toEqual(wanted)
      expect(await machine.foreign('hw0'), said).toBe(owners)
      await adapter.close()
    }
    await bring([])
    expect(await ours()).toEqual([])
  })
})
