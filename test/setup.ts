import * as fc from 'fast-check'
import { vi } from 'vitest'
import { isLong } from './long.ts'

/** A test that waits for an event gives a busy machine time: vitest's own limit is a second. */
const GENEROUS = { timeout: 30_000, interval: 50 }
const { waitFor } = vi
vi.waitFor = (check, options) => waitFor(check, options ?? GENEROUS)

/**
 * A usual run tries the same histories each time: it fails of what was changed, and what it found can be found again.
 * The long one draws others each time, and ten times as many.
 */
fc.configureGlobal(isLong ? { numRuns: 1_000 } : { seed: 20_261_129 })
