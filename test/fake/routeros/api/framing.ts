/**
 * Words and sentences of the RouterOS API on the wire (manual: "API", sections API words and API sentences). Words are
 * held as latin1 text, one character per byte: a router stores bytes and knows no encoding.
 */
export function encodeSentence(words: readonly string[]): Buffer {
  return Buffer.concat([...words.flatMap(encodeWord), Buffer.from([0])])
}

function encodeWord(word: string): readonly Buffer[] {
  const bytes = Buffer.from(word, 'latin1')
  return [encodeLength(bytes.length), bytes]
}

/** Big-endian, the leading bits of the first byte say how many bytes follow. */
function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes = Buffer.alloc(4)
  if (length < 0x4000) bytes.writeUInt32BE(length + 0x8000)
  else if (length < 0x200000) bytes.writeUInt32BE(length + 0xc00000)
  else if (length < 0x10000000) bytes.writeUInt32BE(length + 0xe0000000)
  else {
    bytes.writeUInt32BE(length)
    return Buffer.concat([Buffer.from([0xf0]), bytes])
  }
  return bytes.subarray(length < 0x4000 ? 2 : length < 0x200000 ? 1 : 0)
}

export interface SentenceReader {
  /** @returns whole sentences; empty ones are left out. @throws {RangeError} when no router would go on reading. */
  readonly take: (chunk: Buffer) => readonly (readonly string[])[]
}

/** @param limits before login a router takes little. */
export function sentenceReader(limits: () => { readonly wordBytes: number; readonly words: number }): SentenceReader {
  let rest: Buffer = Buffer.alloc(0)
  let words: string[] = []
  return {
    take: (chunk) => {
      rest = Buffer.concat([rest, chunk])
      const sentences: string[][] = []
      for (;;) {
        const head = readLength(rest)
        if (head === null) return sentences
        const { wordBytes, words: mostWords } = limits()
        if (head.length > wordBytes || words.length > mostWords) throw new RangeError('too long')
        if (rest.length < head.bytes + head.length) return sentences
        const word = rest.subarray(head.bytes, head.bytes + head.length).toString('latin1')
        rest = rest.subarray(head.bytes + head.length)
        if (head.length > 0) words.push(word)
        else if (words.length > 0) {
          sentences.push(words)
          words = []
        }
      }
    },
  }
}

function readLength(bytes: Buffer): { readonly bytes: number; readonly length: number } | null {
  const first = bytes[0]
  if (first === undefined) return null
  if (first >= 0xf8) throw new RangeError('a reserved length byte')
  const more = first < 0x80 ? 0 : first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  if (bytes.length < 1 + more) return null
  const lead = more === 4 ? 0 : first & (0xff >> more)
  const length = bytes.subarray(1, 1 + more).reduce((sum, byte) => sum * 256 + byte, lead)
  return { bytes: 1 + more, length }
}
