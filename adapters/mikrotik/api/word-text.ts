/**
 * Text of words. RouterOS keeps bytes as they came: from most programs UTF-8, from an old WinBox the code page of its
 * Windows. So bytes that are not UTF-8 are read as 1252, the most frequent of those.
 */

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** 0x80 to 0x9f of code page 1252, its five unused bytes as the control characters of WHATWG's encoding standard. */
const UPPER_CONTROLS = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

export function decodeWord(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    return bytes
      .toString('latin1')
      .replaceAll(/[\u0080-\u009f]/g, (byte) => UPPER_CONTROLS[byte.charCodeAt(0) - 0x80] ?? byte)
  }
}

/** One word with its length before it (RouterOS manual, API: bytes, not characters); null ends a sentence. */
export function encodeWord(word: string | null): Buffer {
  const bytes = Buffer.from(word ?? '', 'utf8')
  return Buffer.concat([lengthOf(bytes.length), bytes])
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(5)
  if (length < 0x80) return bytes.subarray(0, bytes.writeUInt8(length))
  if (length < 0x4000) return bytes.subarray(0, bytes.writeUInt16BE(0x8000 + length))
  if (length < 0x200000) return bytes.subarray(0, bytes.writeUIntBE(0xc00000 + length, 0, 3))
  if (length < 0x10000000) return bytes.subarray(0, bytes.writeUInt32BE(0xe0000000 + length))
  bytes.writeUInt8(0xf0)
  return bytes.subarray(0, bytes.writeUInt32BE(length, 1))
}
