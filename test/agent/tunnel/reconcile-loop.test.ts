import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Step } from '../../../adapters/step.ts'
import type { NewEvent } from '../../../agent/memory/events.ts'
import { makeReconcileLoop } from '../../../agent/tunnel/reconcile-loop.ts'
import { Problem } from '../../../problems/problem.ts'
import { makeLog } from '../../../system/process/log.ts'

const log = makeLog('agent')
log.level = 'silent'

let ending: AbortController
let running: Promise<void>
beforeEach(() => {
  ending = new AbortController()
})
afterEach(async () => {
  ending.abort()
  await running
})

function keep(apply: (attempt: number) => readonly Step[]) {
  const notes: NewEvent[] = []
  let attempts = 0
  const reconcileLoop = makeReconcileLoop(
    async () => {
      attempts += 1
      return apply(attempts)
    },
    (event) => notes.push(event),
    log,
  )
  running = reconcileLoop.run(ending.signal)
  return { reconcileLoop, notes, attempts: () => attempts }
}

const failing = (why: string): never => {
  throw new Problem('no-wireguard', { what: 'making hw0', why })
}

describe('the keeper', () => {
  test('looks when it is asked to, and notes the steps it took', async () => {
    const { reconcileLoop, notes, attempts } = keep(() => [{ kind: 'bring-up', interface: 'hw0' }])
    expect(attempts()).toBe(0)
    reconcileLoop.request()
    await vi.waitFor(() => expect(notes).toEqual([{ kind: 'applied', steps: ['bring hw0 up'] }]))
    expect(attempts()).toBe(1)
  })

  test('finding all as it should be is nothing to note', async () => {
    const { reconcileLoop, notes, attempts } = keep(() => [])
    reconcileLoop.request()
    await vi.waitFor(() => expect(attempts()).toBe(1))
    expect(notes).toEqual([])
  })

  test('what lasts some seconds more is one reason, however many are left', async () => {
    const { reconcileLoop, notes, attempts } = keep((attempt) => {
      if (attempt > 3) return []
      const [code, retryAfterSeconds] = ['router-apply-unconfirmed', 90 - attempt] as const
      throw new Problem(code, { what: 'changing the router', why: `${retryAfterSeconds} s left`, retryAfterSeconds })
    })
    for (let asked = 1; asked <= 4; asked += 1) {
      reconcileLoop.request()
      await vi.waitFor(() => expect(attempts()).toBe(asked))
    }
    expect(notes).toMatchObject([{ kind: 'apply-failed', code: 'router-apply-unconfirmed' }])
  })

  test('tries again after a failure, and notes the same reason once', async () => {
    const { reconcileLoop, notes, attempts } = keep((attempt) => (attempt < 3 ? failing('there is none') : []))
    reconcileLoop.request()
    await vi.waitFor(() => expect(attempts()).toBe(1))
    // A corrected configuration need not wait for the pause to end.
    reconcileLoop.request()
    await vi.waitFor(() => expect(attempts()).toBe(2), { timeout: 500 })
    await vi.waitFor(() => expect(attempts()).toBe(3), { timeout: 3_000 })
    expect(notes.map((note) => note.kind)).toEqual(['apply-failed'])
  })
})
