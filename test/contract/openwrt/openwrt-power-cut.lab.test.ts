import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { applyDesired } from '../../../adapters/apply.ts'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import type { FlashLoss } from '../../fake/openwrt/flash.ts'
import { isLong, someOf } from '../../long.ts'
import { homeForwarding } from '../../adapters/forwarding.ts'
import type { OpenAdapter } from '../machine.ts'
import { homeSpec } from '../specs.ts'
import { type OpenwrtMachine, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 3_600_000, hookTimeout: 120_000 })

const signal = (): AbortSignal => AbortSignal.timeout(120_000)
const LOSSES: readonly FlashLoss[] = ['nothing', 'since-sync', 'unsynced-bytes']
const ZONE = "config zone 'homeward_hw0_zone'"
/** After the first move, and what comes before the second. */
const MIXED = 2

/** Of each change in the usual run: every loss once, with an agent that goes on or with another one. */
const MOMENTS = 3

/** More than any change has: then the power stays. */
const NEVER = 100_000

/** The router loses its power after any program that a change runs on it, with what is in its RAM. */
describe('a router that loses its power', () => {
  let machine: OpenwrtMachine
  let home: TunnelSpec
  beforeAll(async () => {
    machine = await startOpenwrtMachine('24.10')
    home = homeSpec(machine.keys)
  })
  afterAll(() => machine?.close())

  const run = (script: string): Promise<string> => machine.router.console(script)
  const cabled = async (): Promise<string> =>
    (await run('ip -o link show dev lan0; ip -4 -o addr show dev lan0')).replaceAll(/ qlen \d+|^\d+: /gm, '')
  const ours = async (): Promise<readonly string[]> => (await machine.leftovers()).toSorted()

  async function bring(to: readonly TunnelSpec[]): Promise<void> {
    const adapter = await machine.open()
    await applyDesired(adapter, to, signal())
    await adapter.close()
  }

  /** @returns how many programs it takes. */
  async function programsOf(to: readonly TunnelSpec[]): Promise<number> {
    await machine.router.cutPower({ after: NEVER, loses: 'nothing' })
    await bring(to)
    return machine.router.counted()
  }

  /** The agent that was there goes on, or its power went too and another comes. */
  async function afterwards(adapter: OpenAdapter, isAgentCutToo: boolean): Promise<OpenAdapter> {
    if (isAgentCutToo) await adapter.kill()
    await machine.router.up()
    const next = isAgentCutToo ? await machine.open() : adapter
    await vi.waitFor(() => next.observe(signal()), { timeout: 90_000, interval: 250 })
    return next
  }

  const changes = (): Readonly<Record<string, readonly [from: readonly TunnelSpec[], to: readonly TunnelSpec[]]>> => {
    const [peer] = home.peers
    const other: TunnelSpec = {
      ...home,
      mtu: 1300,
      peers: [{ ...peer!, keepaliveSeconds: 10 }],
      forwarding: homeForwarding({ lan: ['192.168.7.0/24'], mode: 'masquerade' }),
    }
    return { 'a first tunnel': [[], [home]], 'a tunnel that stood': [[home], [other]], leave: [[home], []] }
  }

  test.each(['a first tunnel', 'a tunnel that stood', 'leave'])('at each program of %s', async (change) => {
    const [from, to] = changes()[change]!
    await bring(from)
    const [owners, cable, before] = [await machine.foreign('hw0'), await cabled(), await ours()]
    const count = await programsOf(to)
    const wanted = await ours()
    const moments = Array.from({ length: count }, (_, index) => index + 1)
    const tried = someOf(moments, MOMENTS).flatMap((after, nth) =>
      LOSSES.filter((_, index) => isLong || index === nth % LOSSES.length).map((loses, index) => ({
        after,
        loses,
        isAgentCutToo: (nth + index) % 2 === 0,
      })),
    )
    let mixed = 0
    await bring([])
    for (const { isAgentCutToo, ...cut } of tried) {
      const said = `after ${cut.after} of ${count} programs, ${cut.loses} lost`
      if (from.length > 0) await bring(from)
      await machine.router.cutPower(cut)
      const adapter = await machine.open()
      await applyDesired(adapter, to, signal()).catch(() => undefined)
      const next = await afterwards(adapter, isAgentCutToo)

      expect(await machine.foreign('hw0'), said).toBe(owners)
      expect(await cabled(), said).toBe(cable)
      const left = await ours()
      // Between the two files there may be a zone without its tunnel, and never a tunnel without its zone.
      if (left.some((section) => section.startsWith('config interface'))) expect(left.join('\n'), said).toContain(ZONE)
      // No copy beside a file, and no file of rules that nobody loads.
      for (const file of left.filter((line) => /^\.|\.inc$/.test(line)))
        expect(await run('cat /etc/config/firewall'), said).toContain(`/${file}'`)
      if (![before, wanted].some((whole) => isDeepStrictEqual(whole, left))) mixed += 1
      await applyDesired(next, to, signal())
      expect(next.plan(await next.observe(signal()), to), said).toMatchObject({ steps: [], refusals: [] })
      expect(await ours(), said).toEqual(wanted)
      await applyDesired(next, [], signal())
      expect(await ours(), said).toEqual([])
      await next.close()
    }
    // The old or the new configuration, but for the one moment between the moves of two files.
    expect(mixed, change).toBeLessThanOrEqual(MIXED * LOSSES.length)
  })
})
