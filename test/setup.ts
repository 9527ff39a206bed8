import { vi } from 'vitest'

/** A test that waits for an event gives a busy machine time: vitest's own limit is a second. */
const GENEROUS = { timeout: 30_000, interval: 50 }
const { waitFor } = vi
vi.waitFor = (check, options) => waitFor(check, options ?? GENEROUS)
