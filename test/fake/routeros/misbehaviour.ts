/** What a router, or the line to it, may do to an answer. Deterministic: from a seed, where chance is wanted. */
export type Misbehaviour =
  /** Cut into pieces of so many bytes at most; 1: every byte by itself, which splits lengths and leaves a lone final zero. */
  | { readonly kind: 'fragment'; readonly seed: number; readonly most: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** A sentence with a tag that nobody asked with, before each answer. */
  | { readonly kind: 'stray-tag' }
  /** What was cancelled answers all the same, so many milliseconds after the cancel's end. */
  | { readonly kind: 'late-reply'; readonly ms: number }
  /** After so many more commands, in the middle of the answer to the next. */
  | { readonly kind: 'end'; readonly after: number; readonly how: Ending; readonly part: number }
  /** The next connections are ended before a word was said. */
  | { readonly kind: 'refuse'; readonly how: 'fin' | 'rst' }

export type Ending = 'fin' | 'rst' | 'fatal' | 'silent' | 'garbage' | 'reserved-length'

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Pieces of 1 to `most` bytes. */
export function fragments(bytes: Buffer, most: number, random: () => number): readonly Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random() * most)
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}
