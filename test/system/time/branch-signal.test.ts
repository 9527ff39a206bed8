import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { branchSignal } from '../../../system/time/branch-signal.ts'
import { warningsOf } from '../warnings.ts'

test('ends with the signal that it came from, for the same reason, and at once when that has ended', () => {
  const from = new AbortController()
  const branch = branchSignal(from.signal)
  expect(branch.signal.aborted).toBe(false)
  from.abort('enough')
  expect(branch.signal.reason).toBe('enough')
  expect(branchSignal(from.signal).signal.reason).toBe('enough')
})

test('ends by itself, and the signal that it came from goes on with nobody listening', () => {
  const from = new AbortController()
  const [ended, released] = [branchSignal(from.signal), branchSignal(from.signal)]
  ended.end('done')
  released.release()
  expect(ended.signal.reason).toBe('done')
  expect(getEventListeners(from.signal, 'abort')).toEqual([])
  from.abort()
  expect(released.signal.aborted).toBe(false)
})

test('many may wait by it: that is one listener on the signal that it came from, and no leak to Node', async () => {
  const from = new AbortController()
  const { signal } = branchSignal(from.signal)
  const warnings = await warningsOf(() => {
    for (let waiting = 0; waiting < 50; waiting += 1) signal.addEventListener('abort', () => undefined)
  })
  expect(warnings).toEqual([])
  expect(getEventListeners(from.signal, 'abort')).toHaveLength(1)
})
