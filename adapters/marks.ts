import type { ForeignMark } from './observation.ts'

/** Marks of packets and connections, as every kind of machine with nftables has them. Pure. */

export const ALL_BITS = 0xff_ff_ff_ff

/** A mark as text, e.g. `0x00860000`. */
export function hex(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`
}

/** In words, that somebody else has marks under a mask that would be ours. */
export function describeCollision(mask: number, { by }: ForeignMark): string {
  return `${by} uses packet marks under ${hex(mask)} too`
}

/** The warning where no byte of marks is left: another program may take answers to visitors for its own packets. */
export function noMarkLeft(mask: number, foreign: ForeignMark): string {
  return `${describeCollision(mask, foreign)}, and no other byte of them is free: visitors of ports published with --source keep may not get answers. Publish with --source hide, or give that program another mask`
}
