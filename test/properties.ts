import * as fc from 'fast-check'
import { isLong } from './long.ts'

/**
 * A usual run tries the same histories each time: it fails of what was changed, and what it found can be found again.
 * The long one draws others each time, and ten times as many.
 */
fc.configureGlobal(isLong ? { numRuns: 1_000 } : { seed: 20_261_129 })

export * from 'fast-check'
