import * as v from 'valibot'
import { expect, test } from 'vitest'
import { HubConfigSchema } from '../../../hub/settings/config.ts'
import { desiredTunnel } from '../../../hub/machine/desired.ts'
import { makeReconciler } from '../../../hub/machine/reconciler.ts'
import { EMPTY_DOCUMENT } from '../../../hub/core/store-document.ts'
import { Problem } from '../../../problems/problem.ts'
import { newKey } from '../loopback-hub.ts'
import { paperMachine } from '../paper-machine.ts'

const config = v.parse(HubConfigSchema, { addresses: ['203.0.113.10'] })
const publicKey = newKey()

/** Every run wants another MTU, the number of the run. */
function scene() {
  const machine = paperMachine()
  let runs = 0
  const reconciler = makeReconciler({
    adapter: machine,
    desired: async () => {
      runs += 1
      return desiredTunnel({ ...config, mtu: runs }, publicKey, EMPTY_DOCUMENT, [])
    },
    onStep: () => undefined,
    timeoutMs: 1_000,
  })
  return { machine, reconciler, runs: () => runs }
}

test('whoever comes while one apply runs gets one that began after the call, and shares it', async () => {
  const { machine, reconciler, runs } = scene()
  let release = (): void => undefined
  machine.hold = new Promise((resolve) => {
    release = resolve
  })
  const first = reconciler.reconcile()
  await expect.poll(runs).toBe(1)
  const [second, third] = [reconciler.reconcile(), reconciler.reconcile()]
  release()
  await Promise.all([first, second, third])
  expect(runs()).toBe(2)
  expect(machine.spec?.mtu).toBe(2)
})

test('one that failed does not keep the next from running, and its reason stays until one succeeds', async () => {
  const { machine, reconciler } = scene()
  machine.problem = new Problem('step-failed', { what: 'bringing hw0 up', why: 'no' })
  const [first, second] = [reconciler.reconcile(), reconciler.reconcile()]
  await expect(first).rejects.toMatchObject({ code: 'step-failed' })
  await expect(second).rejects.toMatchObject({ code: 'step-failed' })
  expect(reconciler.problem?.code).toBe('step-failed')
  machine.problem = null
  await reconciler.reconcile()
  expect(reconciler.problem).toBeNull()
})

test('settled waits for what runs and for what waits', async () => {
  const { machine, reconciler, runs } = scene()
  void reconciler.reconcile()
  await expect.poll(runs).toBe(1)
  void reconciler.reconcile()
  await reconciler.settled()
  expect([runs(), machine.applied]).toEqual([2, 2])
})

test('what is done alone waits for the run before it and keeps the next one waiting, also when it fails', async () => {
  const { machine, reconciler, runs } = scene()
  const first = reconciler.reconcile()
  const alone = reconciler.alone(async () => {
    expect([runs(), machine.applied]).toEqual([1, 1])
    await Promise.resolve()
    expect(runs()).toBe(1)
    throw new Error('no')
  })
  const second = first.then(reconciler.reconcile)
  await expect(alone).rejects.toThrow('no')
  await second
  expect(runs()).toBe(2)
})
