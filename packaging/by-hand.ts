import type { ByHand } from './notices.ts'

/** None is needed now: every bundled package ships its licence text. */
export const BY_HAND: ByHand = {}
