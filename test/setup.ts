import { vi } from 'vitest'

/** A test that waits for an event gives a busy machine time: vitest's own limit is a second. */
const GENEROUS = { timeout: 30_000, interval: 50 }
const { waitFor } = vi
// Times for people are by the zone of whoever reads: here one that every machine has.
process.env['TZ'] = 'UTC'

vi.waitFor = (check, options) => waitFor(check, options ?? GENEROUS)
