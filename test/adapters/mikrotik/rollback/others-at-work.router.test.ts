import { describe, expect, test, vi } from 'vitest'
import { applyDesired } from '../../../../adapters/apply.ts'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { someOf } from '../../../long.ts'
import { logIn } from '../../../fake/routeros/router-session.ts'
import { type CutOffRouter, cutOffRouter, HOME, OTHER_HOME, signal } from '../cut-off-router.ts'

vi.setConfig({ testTimeout: 900_000 })

const NEVER = 10_000

const CHANGES = {
  'a first tunnel': { from: null, to: HOME },
  'a tunnel that stood': { from: HOME, to: OTHER_HOME },
  leave: { from: HOME, to: null },
} as const satisfies Record<string, { readonly from: TunnelSpec | null; readonly to: TunnelSpec | null }>

/** What another session does in the midst of a change; none of it touches what is homeward's. */
const EDITS = [
  '/ip/firewall/filter/add chain=forward action=accept protocol=icmp comment=mine place-before=[find where comment=invalid]',
  '/ip/firewall/filter/remove [find where comment=invalid]',
  '/ip/firewall/filter/move [find where comment=invalid]',
  '/ip/address/add address=10.50.0.1/24 interface=bridge comment=mine',
  '/interface/wireguard/set [find where name=wg-office] listen-port=14000',
] as const

const listed = (spec: TunnelSpec | null): readonly TunnelSpec[] => (spec === null ? [] : [spec])
const sorted = (lines: readonly string[]): readonly string[] =>
  [...lines].sort().map((line) => line.replace(/listen-port=\d+/, ''))

/** @returns how many commands the change takes, and what is ours then. */
async function inPeace(of: CutOffRouter, to: TunnelSpec | null) {
  let count = 0
  void of.router.cutPower({ after: NEVER, unwritten: 0, safeMode: 'kept', each: () => void (count += 1) })
  await of.bring(to)
  return { numbers: Array.from({ length: count }, (_, index) => index + 1), wanted: sorted(of.ours()) }
}

/** Somebody acts after so many commands. */
function interject(of: CutOffRouter, after: number, act: () => Promise<unknown>): void {
  let count = 0
  const each = async (): Promise<void> => {
    count += 1
    if (count === after) await act()
  }
  void of.router.cutPower({ after: NEVER, unwritten: 0, safeMode: 'kept', each })
}

describe.each(['7.18.2', '7.12.2'])('another session at every command of a change: RouterOS %s', (version) => {
  test.each(Object.keys(CHANGES) as (keyof typeof CHANGES)[])('its edits stay, and %s is made', async (change) => {
    const { from, to } = CHANGES[change]
    const first = await cutOffRouter({ version })
    await first.bring(from)
    const { numbers, wanted } = await inPeace(first, to)
    const cases = numbers.flatMap((after) => EDITS.map((edit) => ({ after, edit })))
    for (const { after, edit } of someOf(cases, 6)) {
      const said = `after ${after} of ${numbers.length} commands: ${edit}`
      const of = await cutOffRouter({ version })
      await of.bring(from)
      interject(of, after, () => of.router.console(edit))
      const adapter = of.open()
      await applyDesired(adapter, listed(to), signal()).catch(() => undefined)
      // What the owner's router is with the edit alone.
      const alone = await cutOffRouter({ version })
      await alone.router.console(edit)
      expect(of.others(), said).toBe(alone.others())
      await applyDesired(adapter, listed(to), signal())
      expect(adapter.plan(await adapter.observe(signal()), listed(to)), said).toMatchObject({ steps: [], refusals: [] })
      expect(sorted(of.ours()), said).toEqual(wanted)
      expect(of.others(), said).toBe(alone.others())
      await adapter.close()
      await of.bring(null)
      expect(of.ours(), said).toEqual([])
    }
  })
})

test.each(Object.keys(CHANGES) as (keyof typeof CHANGES)[])(
  'another session takes safe mode at every command of %s, and ends: no half of anything is left',
  async (change) => {
    const { from, to } = CHANGES[change]
    const first = await cutOffRouter({ version: '7.18.2' })
    await first.bring(from)
    const { numbers, wanted } = await inPeace(first, to)
    for (const after of someOf(numbers, 5)) {
      const said = `after ${after} of ${numbers.length} commands`
      const of = await cutOffRouter({ version: '7.18.2' })
      await of.bring(from)
      const others = of.others()
      const owner = await logIn(of.router)
      // Refused while the change has it.
      interject(of, after, () => owner.exec({ command: '/safe-mode/take' }, signal()).catch(() => undefined))
      const adapter = of.open()
      await applyDesired(adapter, listed(to), signal()).catch(() => undefined)
      owner.close()
      await expect.poll(() => of.router.sessions(), { timeout: 60_000, interval: 10 }).toBeLessThanOrEqual(1)
      await vi.waitFor(() => applyDesired(adapter, listed(to), signal()), { timeout: 60_000, interval: 100 })
      expect(adapter.plan(await adapter.observe(signal()), listed(to)), said).toMatchObject({ steps: [], refusals: [] })
      expect(sorted(of.ours()), said).toEqual(wanted)
      expect(of.others(), said).toBe(others)
      await adapter.close()
      await of.bring(null)
      expect(of.ours(), said).toEqual([])
    }
  },
)
