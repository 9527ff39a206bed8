import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Adapter } from '../../adapters/adapter.ts'
import type { TunnelSpec } from '../../adapters/spec.ts'
import type { Step } from '../../adapters/step.ts'
import { applyDesired } from '../../adapters/apply.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { only } from '../adapters/only.ts'
import { expectMatch } from './expect-match.ts'
import { homeSpec, hubSpec, type Keys } from './specs.ts'
import { homeTransitions, hubTransitions, lastTransitions } from './transitions.ts'
import { isLong, someOf } from '../long.ts'
import { secondTunnelContract } from './second-tunnel.ts'

/** An adapter in a process of its own. */
export interface OpenAdapter extends Adapter {
  /** As SIGKILL does: nothing is finished, nothing is said. */
  readonly kill: () => Promise<void>
}

type Role = 'home' | 'hub'

/** What a kind of machine is capable of, known before one is there, since each case is a test. */
export interface Capabilities {
  /** Others are refused. */
  readonly roles: readonly Role[]
  /** It leads answers to visitors of published ports into the tunnel, and translates LANs that are known by other numbers. */
  readonly answersVisitors: boolean
  /** The machine makes its private key, and tells nobody. */
  readonly keysMadeThere: boolean
  /** What fails, or is cut off, is undone by the machine itself; else the next plan goes on from there. */
  readonly undoesFailures: boolean
  /** What was said to it can be read afterwards. */
  readonly tellsCommands: boolean
  /** Names of what somebody or a fault changes, while a tunnel of this role stands. */
  readonly drifts: Readonly<Record<Role, readonly string[]>>
  /** When it is killed, spread over the time that a whole apply takes; else for one that takes a tenth of a second. */
  readonly killedAfterMs?: readonly number[]
  /** After which of its steps it is killed in a usual run, each unless said otherwise; in a long one after each. */
  readonly kills?: 'each' | 'some' | 'none'
}

/** Many in the first hundredths: there the interface is made. */
const KILLED_AFTER_MS = [2, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100, 130]

/** One machine with somebody else's things on it. */
export interface Machine {
  readonly keys: Keys
  /** A fresh process: it knows what the machine tells, and nothing from before. */
  readonly open: () => Promise<OpenAdapter>
  /** All that is somebody else's, as text: compared byte for byte. */
  readonly foreign: (interfaceName: string) => Promise<string>
  /** What is left of homeward, whatever it is (a process, a file, a setting); none after undo. */
  readonly leftovers: () => Promise<readonly string[]>
  /** Somebody else makes an interface of this name. Returns how it goes away. */
  readonly takeInterface: (name: string) => Promise<() => Promise<void>>
  /** Makes steps of this kind fail, until the function that it returns is called; null where that can't be done. */
  readonly breakStep: (kind: Step['kind']) => (() => Promise<() => Promise<void>>) | null
  /** Every command line that was run, as another user of the machine could see it. */
  readonly commandLines: () => Promise<string>
  /** Something that somebody or a fault changes, while a tunnel of this role stands. */
  readonly drifts: Readonly<Record<Role, Readonly<Record<string, (spec: TunnelSpec) => Promise<void>>>>>
  readonly close: () => Promise<void>
}

const signal = (): AbortSignal => AbortSignal.timeout(60_000)

/**
 * What every adapter has to do. Its test file gives a machine under `start` and has nothing else in it.
 */
export function adapterContract(
  name: string,
  start: () => Promise<Machine>,
  {
    roles,
    answersVisitors,
    keysMadeThere,
    undoesFailures,
    tellsCommands,
    drifts,
    killedAfterMs = KILLED_AFTER_MS,
    kills = 'each',
  }: Capabilities,
): void {
  describe(`${name} keeps the adapters' contract`, () => {
    let machine: Machine
    beforeAll(async () => {
      machine = await start()
    })
    afterAll(() => machine?.close())

    async function withAdapter<Result>(use: (adapter: OpenAdapter) => Promise<Result>): Promise<Result> {
      const adapter = await machine.open()
      try {
        return await use(adapter)
      } finally {
        await adapter.close()
      }
    }

    function specOf(role: Role): TunnelSpec {
      const spec = role === 'home' ? homeSpec(machine.keys) : hubSpec(machine.keys)
      return keysMadeThere ? { ...spec, publicKey: null } : spec
    }
    /** The role that has more to it. */
    const fullest = roles.at(-1) ?? 'home'

    /** What a new process still finds to do. */
    async function pending(...desired: readonly TunnelSpec[]) {
      return withAdapter(async (adapter) => adapter.plan(await adapter.observe(signal()), desired))
    }

    async function bring(...desired: readonly TunnelSpec[]): Promise<readonly Step[]> {
      return withAdapter((adapter) => applyDesired(adapter, desired, signal()))
    }

    async function expectDone(...desired: readonly TunnelSpec[]): Promise<void> {
      expect(await pending(...desired)).toMatchObject({ steps: [], refusals: [] })
    }

    async function expectNothingLeft(): Promise<void> {
      await expectDone()
      // A process ends a moment after its interface.
      await expect.poll(machine.leftovers).toEqual([])
    }

    test('says what machine it is', async () => {
      const description = await withAdapter((adapter) => adapter.describe(signal()))
      expect(description.model).not.toBe('')
      expect(description.version).not.toBe('')
      expect(['kernel', 'userspace']).toContain(description.dataPlane)
    })

    test('an untouched machine has nothing of ours, and undoing nothing does nothing', async () => {
      await expectNothingLeft()
    })

    test('each change ends in an empty plan, an observation that matches, and foreign things as they were', async () => {
      const before = await machine.foreign('hw0')
      let last = 'hw0'
      const all = [
        ...(roles.includes('home') ? homeTransitions(specOf('home'), machine.keys, answersVisitors) : []),
        ...(roles.includes('hub') ? hubTransitions(specOf('hub')) : []),
        ...lastTransitions(specOf(fullest)),
      ]
      for (const { to, spec, keepsSessions } of all) {
        const steps = await bring(...only(spec))
        expect(steps, to).not.toEqual([])
        if (keepsSessions) expect(steps.map((step) => step.kind).filter(endsSessions), to).toEqual([])
        last = spec?.interface ?? last
        expect(await pending(...only(spec)), to).toMatchObject({ steps: [], refusals: [] })
        const observed = await withAdapter((adapter) => adapter.observe(signal()))
        expectMatch(observed, only(spec), to)
        expect(await machine.foreign(last), to).toBe(before)
      }
      await expectNothingLeft()
    })

    test('a new source port is another one at once, and nothing of what is wanted changes', async () => {
      const before = await machine.foreign('hw0')
      const spec = specOf('home')
      await bring(spec)
      const [peer] = spec.peers
      const observe = () => withAdapter((adapter) => adapter.observe(signal()))
      const old = tunnelIn(await observe(), spec.interface)
      await withAdapter((adapter) =>
        adapter.remedy(
          {
            kind: 'new-source-port',
            interface: spec.interface,
            peer: peer!.publicKey,
            keepaliveSeconds: peer!.keepaliveSeconds,
          },
          signal(),
        ),
      )
      const now = tunnelIn(await observe(), spec.interface)
      expect(now?.listenPort).not.toBe(old?.listenPort)
      await expectDone(spec)
      await bring()
      expect(await machine.foreign('hw0')).toBe(before)
      await expectNothingLeft()
    })

    test('a step that fails ends the apply, and the next one finishes the job', async () => {
      const before = await machine.foreign('hw0')
      const spec = specOf('home')
      const kinds = (await pending(spec)).steps.map((step) => step.kind)
      for (const kind of kinds) {
        const broken = machine.breakStep(kind)
        if (broken === null) continue
        const mend = await broken()
        const done: Step['kind'][] = []
        await withAdapter(async (adapter) => {
          const apply = applyDesired(adapter, [spec], signal(), {
            onStep: (step) => void done.push(step.kind),
          })
          await expect(apply, kind).rejects.toMatchObject({ name: 'Problem', code: 'step-failed' })
        })
        expect(done.at(-1)).toBe(kind)
        await mend()
        if (undoesFailures) expect(await machine.leftovers()).toEqual([])
        expect((await bring(spec))[0]?.kind).toBe(undoesFailures ? kinds[0] : kind)
        await expectDone(spec)
        await bring()
        await expectNothingLeft()
      }
      expect(await machine.foreign('hw0')).toBe(before)
    })

    const isKilled = kills !== 'none' || isLong
    test.runIf(isKilled).each(roles)('killed after any step of making or undoing a %s, it ends right', async (role) => {
      const spec = specOf(role)
      for (const [from, to] of [
        [[], [spec]],
        [[spec], []],
      ]) {
        const count = (await pending(...to!)).steps.length
        const numbers = Array.from({ length: count }, (_, index) => index + 1)
        for (const done of kills === 'each' ? numbers : someOf(numbers, 3)) {
          const adapter = await machine.open()
          const { steps } = adapter.plan(await adapter.observe(signal()), to!)
          for (const step of steps.slice(0, done)) await adapter.execute(step, signal())
          await adapter.kill()
          await bring(...to!)
          await expectDone(...to!)
          if (done < count) await bring(...from!)
        }
      }
      await expectNothingLeft()
    })

    test.runIf(isKilled)('killed in the midst of a step, it ends right', async () => {
      const before = await machine.foreign('hw0')
      const spec = specOf(fullest)
      for (const afterMs of someOf(killedAfterMs, 5)) {
        const adapter = await machine.open()
        const apply = applyDesired(adapter, [spec], signal()).catch(() => undefined)
        await new Promise((resolve) => setTimeout(resolve, afterMs))
        await adapter.kill()
        await apply
        await bring(spec)
        await expectDone(spec)
        expect(await machine.foreign('hw0'), `after ${afterMs} ms`).toBe(before)
        await bring()
        await expectNothingLeft()
      }
    })

    for (const role of roles)
      describe(`drift of a ${role}`, () => {
        beforeAll(async () => void (await bring(specOf(role))))
        afterAll(async () => void (await bring()))

        test.each(drifts[role])('%s: seen and mended', async (drift) => {
          const spec = specOf(role)
          const before = await machine.foreign(spec.interface)
          await machine.drifts[role][drift]!(spec)
          expect((await pending(spec)).steps).not.toEqual([])
          await bring(spec)
          await expectDone(spec)
          expect(await machine.foreign(spec.interface)).toBe(before)
        })
      })

    secondTunnelContract({ isKilled, machineOf: () => machine, firstOf: () => specOf('home') })

    test('an interface that somebody else made is refused and left alone', async () => {
      const free = await machine.takeInterface('hw0')
      const before = await machine.foreign('')
      expect((await pending(specOf('home'))).refusals).toMatchObject([{ code: 'interface-taken' }])
      await expect(bring(specOf('home'))).rejects.toMatchObject({ code: 'interface-taken' })
      await bring()
      expect(await machine.foreign('')).toBe(before)
      await free()
    })

    const others = (['home', 'hub'] as const).filter((role) => !roles.includes(role))
    test.each(others)('a %s is refused, and nothing is touched', async (role) => {
      const before = await machine.foreign('')
      await expect(bring(specOf(role))).rejects.toMatchObject({ name: 'Problem' })
      expect(await machine.foreign('')).toBe(before)
      await expectNothingLeft()
    })

    if (tellsCommands)
      test('no secret was ever on a command line', async () => {
        const { privateKey, publicKey, presharedKeys } = machine.keys
        await bring(specOf(fullest))
        await bring()
        const lines = await machine.commandLines()
        // It would show up if it were there: what is no secret does.
        expect(lines).toContain('hw0')
        for (const secret of [privateKey, ...presharedKeys.values()]) expect(lines.includes(secret)).toBe(false)
        expect(lines.includes(publicKey)).toBe(false)
      })
  })
}

function endsSessions(kind: Step['kind']): boolean {
  return kind === 'create-interface' || kind === 'remove-interface' || kind === 'set-private-key'
}
