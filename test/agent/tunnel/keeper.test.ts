import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Step } from '../../../adapters/step.ts'
import type { Happening } from '../../../agent/memory/events.ts'
import { makeKeeper } from '../../../agent/tunnel/keeper.ts'
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

function keep(bring: (attempt: number) => readonly Step[]) {
  const notes: Happening[] = []
  let attempts = 0
  const keeper = makeKeeper(
    async () => {
      attempts += 1
      return bring(attempts)
    },
    (happening) => notes.push(happening),
    log,
  )
  running = keeper.run(ending.signal)
  return { keeper, notes, attempts: () => attempts }
}

const failing = (why: string): never => {
  throw new Problem('no-wireguard', { what: 'making hw0', why })
}

describe('the keeper', () => {
  test('looks when it is asked to, and notes the steps it took', async () => {
    const { keeper, notes, attempts } = keep(() => [{ kind: 'bring-up', interface: 'hw0' }])
    expect(attempts()).toBe(0)
    keeper.request()
    await vi.waitFor(() => expect(notes).toEqual([{ kind: 'applied', steps: ['bring hw0 up'] }]))
    expect(attempts()).toBe(1)
  })

  test('finding all as it should be is nothing to note', async () => {
    const { keeper, notes, attempts } = keep(() => [])
    keeper.request()
    await vi.waitFor(() => expect(attempts()).toBe(1))
    expect(notes).toEqual([])
  })

  test('tries again after a failure, and notes the same reason once', async () => {
    const { keeper, notes, attempts } = keep((attempt) => (attempt < 3 ? failing('there is none') : []))
    keeper.request()
    await vi.waitFor(() => expect(attempts()).toBe(1))
    // A corrected configuration need not wait for the pause to end.
    keeper.request()
    await vi.waitFor(() => expect(attempts()).toBe(2), { timeout: 500 })
    await vi.waitFor(() => expect(attempts()).toBe(3), { timeout: 3_000 })
    expect(notes.map((note) => note.kind)).toEqual(['apply-failed'])
  })
})
