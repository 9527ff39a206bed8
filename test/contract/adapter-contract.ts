import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Step } from '../../adapters/step.ts'
import { applyDesired } from '../../adapters/apply.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { only } from '../adapters/only.ts'
import { isLong } from '../long.ts'
import { expectMatch } from './expect-match.ts'
import { type Capabilities, givenMachine, type Machine, signal } from './machine.ts'
import { homeTransitions, hubTransitions, lastTransitions } from './transitions.ts'
import { secondTunnelContract } from './second-tunnel.ts'

/**
 * What every adapter has to do. Its test file gives a machine under `start` and has nothing else in it; `killedContract` is
 * the other part, in a file beside it.
 */
export function adapterContract(
  name: string,
  start: () => Promise<Machine>,
  {
    roles,
    answersVisitors,
    leadsOutgoing,
    keysMadeThere,
    undoesFailures,
    tellsCommands,
    drifts,
    breadth = 'all',
  }: Capabilities,
): void {
  const isWhole = isLong || breadth === 'all'
  describe(`${name} keeps the adapters' contract`, () => {
    const given = givenMachine(start, { keysMadeThere })
    const { withAdapter, specOf, pending, bring, expectDone, expectNothingLeft } = given
    let machine: Machine
    beforeAll(() => {
      machine = given.machineOf()
    })
    /** The role that has more to it. */
    const fullest = roles.at(-1) ?? 'home'

    test('says what machine it is', async ({ task }) => {
      const description = await withAdapter((adapter) => adapter.describe(signal()))
      // For the report of its owner: test/try-router/router-reporter.ts.
      const { model, version, dataPlane } = description
      Object.assign(task.meta, { machine: { model, version, dataPlane } })
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
        ...(roles.includes('home')
          ? homeTransitions(specOf('home'), machine.keys, { answersVisitors, leadsOutgoing })
          : []),
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

    test.runIf(isWhole)('a new source port is another one at once, and nothing of what is wanted changes', async () => {
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

    if (isWhole) secondTunnelContract(given)

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
      test.runIf(isWhole)('no secret was ever on a command line', async () => {
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
