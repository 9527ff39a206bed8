import { decodeWord } from './word-text.ts'

/** The words of one sentence, in the order in which they came. */
export type Words = readonly string[]

/** The largest word, far above any in an answer of ours (a script, a certificate), far below what would hurt a Pi. */
const LARGEST_WORD = 1024 * 1024
const LARGEST_SENTENCE = 4 * 1024 * 1024

/** The first reserved first byte of a length: a control byte, at which a reader must stop (RouterOS manual, API). */
const FIRST_RESERVED = 0xf8

/**
 * Makes a parser that cuts the byte stream of a router into sentences, however TCP has cut it into segments.
 * @returns takes the next segment, answers the sentences that it completed.
 * @throws {Error} when the stream is not of this protocol, or a word is larger than any that makes sense. Nothing after
 * it can be understood.
 */
export function sentenceParser(): (segment: Buffer) => readonly Words[] {
  let segments: Buffer[] = []
  let waiting = 0
  /** How many bytes must be there before parsing goes on: a large word in small segments is put together once. */
  let needed = 1
  let words: string[] = []
  let size = 0

  return (segment) => {
    segments.push(segment)
    waiting += segment.length
    if (waiting < needed) return []
    const bytes = segments.length === 1 ? segment : Buffer.concat(segments)
    const sentences: Words[] = []
    let at = 0
    needed = 1
    while (at < bytes.length) {
      const length = lengthAt(bytes, at)
      const whole = length.bytes + (length.value ?? 0)
      if (length.value === null || bytes.length - at < whole) {
        needed = whole
        break
      }
      size += length.value
      if (size > LARGEST_SENTENCE) throw new Error(`a sentence of more than ${LARGEST_SENTENCE} bytes`)
      if (length.value > 0) words.push(decodeWord(bytes.subarray(at + length.bytes, at + whole)))
      else {
        // An empty sentence is to be ignored (RouterOS manual, API).
        if (words.length > 0) sentences.push(words)
        words = []
        size = 0
      }
      at += whole
    }
    const rest = bytes.subarray(at)
    segments = rest.length === 0 ? [] : [rest]
    waiting = rest.length
    return sentences
  }
}

/** @returns how many bytes the length takes, and the length; null while not all of those bytes are there. */
function lengthAt(bytes: Buffer, at: number): { readonly bytes: number; readonly value: number | null } {
  const first = bytes[at] ?? 0
  if (first >= FIRST_RESERVED) throw new Error(`a control byte (0x${first.toString(16)}) where a length should be`)
  if (first < 0x80) return { bytes: 1, value: first }
  const count = first < 0xc0 ? 2 : first < 0xe0 ? 3 : first < 0xf0 ? 4 : 5
  if (bytes.length - at < count) return { bytes: count, value: null }
  // Five bytes: the first byte only marks the length of the length.
  const value = count === 5 ? bytes.readUInt32BE(at + 1) : bytes.readUIntBE(at, count) % 2 ** (7 * count)
  if (value > LARGEST_WORD) throw new Error(`a word of ${value} bytes`)
  return { bytes: count, value }
}
