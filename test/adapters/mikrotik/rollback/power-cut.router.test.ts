import { access } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import type { Adapter } from '../../../../adapters/adapter.ts'
import { applyDesired } from '../../../../adapters/apply.ts'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { isLong, someOf } from '../../../long.ts'
import type { PowerCut } from '../../../fake/routeros/power-cut.ts'
import { homeForwarding } from '../../forwarding.ts'
import { type CutOffRouter, cutOffRouter, HOME, OTHER_HOME, signal } from '../cut-off-router.ts'

vi.setConfig({ testTimeout: 900_000 })

/** The router loses its power after any command, and comes back with what its flash has by then. */
const WAYS = [
  { way: 'safe mode', version: '7.18.2', refusesJobs: false },
  { way: 'a job', version: '7.16.2', refusesJobs: false },
  { way: 'the scheduler', version: '7.12.2', refusesJobs: true },
] as const

const PUBLISHED: TunnelSpec = { ...HOME, forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'masquerade' }) }

const CHANGES = {
  'a first tunnel': { from: null, to: HOME },
  'a tunnel that stood': { from: HOME, to: OTHER_HOME },
  'a publication': { from: PUBLISHED, to: HOME },
  leave: { from: HOME, to: null },
} as const satisfies Record<string, { readonly from: TunnelSpec | null; readonly to: TunnelSpec | null }>

/** Which of these a router does is not known: all of them must end well. */
const FLASHES: readonly Pick<PowerCut, 'unwritten' | 'safeMode'>[] = [
  { unwritten: 0, safeMode: 'undone' },
  { unwritten: 0, safeMode: 'kept' },
  { unwritten: 1, safeMode: 'kept' },
  { unwritten: 4, safeMode: 'undone' },
]

const UNDO_SECONDS = 5
/** What the script of a router begins with: it looks for its marker, and removes what was not there before. */
const UNDO_COMMANDS = 20

/** Of each change in the usual run: each flash at least once. */
const MOMENTS = 5

/** More than any of the changes has: then the power stays. */
const NEVER = 10_000

const listed = (spec: TunnelSpec | null): readonly TunnelSpec[] => (spec === null ? [] : [spec])

/** Without the numbers of menus, in which a row that came back may stand elsewhere among ours. */
const sorted = (lines: readonly string[]): readonly string[] => [...lines].sort()

async function bring(adapter: Adapter, to: TunnelSpec | null): Promise<'done' | 'failed'> {
  try {
    await applyDesired(adapter, listed(to), signal())
    return 'done'
  } catch {
    return 'failed'
  }
}

/** The router is back, and its API answers. */
async function looks(adapter: Adapter): Promise<Awaited<ReturnType<Adapter['observe']>>> {
  return await vi.waitFor(() => adapter.observe(signal()), { timeout: 60_000, interval: 50 })
}

interface Case extends PowerCut {
  readonly to: TunnelSpec | null
  /** One power strip for both. */
  readonly isAgentCutToo: boolean
}

async function cutAt(of: CutOffRouter, { to, isAgentCutToo, ...cut }: Case, said: string): Promise<'done' | 'failed'> {
  const touched = of.others()
  let wasTouched = false
  let commands = 0
  const each = (): void => {
    wasTouched ||= of.others() !== touched
    commands += 1
    // A router takes longer to start than an agent to give up.
    if (commands === cut.after) of.router.misbehave({ kind: 'refuse', how: 'rst' })
  }
  const adapter = of.open()
  const back = of.router.cutPower({ ...cut, each })
  const outcome = await bring(adapter, to)
  if (isAgentCutToo) await adapter.close()
  await back
  of.router.misbehave(null)
  expect(wasTouched, said).toBe(false)

  const next = isAgentCutToo ? of.open() : adapter
  await looks(next)
  await expect(access(of.journal), said).rejects.toThrow('ENOENT')
  expect(of.others(), said).toBe(touched)
  expect(of.router.jobs(), said).toBe(0)
  await next.close()
  return outcome
}

describe.each(WAYS.slice(1))(
  'the router’s power goes while it undoes a change by itself, by $way',
  ({ version, refusesJobs }) => {
    test('after any command of its script, the agent ends it', async () => {
      const of = await cutOffRouter({ version }, UNDO_SECONDS)
      of.router.switches.refusesJobs = refusesJobs
      await of.bring(HOME)
      const before = sorted(of.ours())
      const touched = of.others()
      for (const after of someOf(
        Array.from({ length: UNDO_COMMANDS }, (_, index) => index + 1),
        2,
      )) {
        await of.cutOff(OTHER_HOME)
        await of.router.cutPower({ after, unwritten: 0, safeMode: 'kept' })
        const adapter = of.open()
        await looks(adapter)
        expect(sorted(of.ours()), `after ${after}`).toEqual(before)
        expect(of.others()).toBe(touched)
        await adapter.close()
      }
    })
  },
)

describe.each(WAYS)('the router’s power goes while it is changed under $way', ({ version, refusesJobs }) => {
  test.each(Object.keys(CHANGES) as (keyof typeof CHANGES)[])('at each command of %s', async (change) => {
    const { from, to } = CHANGES[change]
    const of = await cutOffRouter({ version })
    of.router.switches.refusesJobs = refusesJobs
    await of.bring(from)
    const before = sorted(of.ours())
    const count = await commandsOf(of, to)
    const wanted = sorted(of.ours())
    const moments = Array.from({ length: count }, (_, index) => index + 1)
    const cuts = someOf(moments, MOMENTS).flatMap((after, nth) =>
      FLASHES.filter((_, index) => isLong || index === nth % FLASHES.length).map((flash, index) => ({
        after,
        ...flash,
        to,
        isAgentCutToo: (nth + index) % 2 === 0,
      })),
    )
    for (const cut of cuts) {
      await of.bring(null)
      await of.bring(from)
      const said = `after ${cut.after} of ${count} commands, ${cut.unwritten} unwritten, safe mode ${cut.safeMode}`
      const outcome = await cutAt(of, cut, said)
      // What it was, or what it becomes; a leave that was cut off, or what was kept and lost, is completed.
      const ours = portless(sorted(of.ours()))
      if (outcome === 'failed' && to !== null) expect(ours, said).toEqual(portless(before))
      if (outcome === 'done' && cut.unwritten === 0) expect(ours, said).toEqual(portless(wanted))
      await of.bring(to)
      expect(portless(sorted(of.ours())), said).toEqual(portless(wanted))
      const adapter = of.open()
      expect(adapter.plan(await adapter.observe(signal()), listed(to)), said).toMatchObject({ steps: [], refusals: [] })
      await adapter.close()
      await of.bring(null)
      expect(of.ours(), said).toEqual([])
    }
  })
})

/** How many commands a change takes, all its questions among them. */
async function commandsOf(of: CutOffRouter, to: TunnelSpec | null): Promise<number> {
  let count = 0
  void of.router.cutPower({ after: NEVER, unwritten: 0, safeMode: 'kept', each: () => void (count += 1) })
  await of.bring(to)
  return count
}

/** A free port is picked at random. */
function portless(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.replace(/listen-port=\d+/, 'listen-port=…'))
}
