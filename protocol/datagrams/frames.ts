/** The largest datagram of WireGuard's: its MTU is at most 9000 here, and it adds 32 bytes. */
export const LARGEST_DATAGRAM = 9_216

const LENGTH_BYTES = 2

/**
 * Frames a datagram for a stream of bytes: its length in 16 bits, big-endian, then the datagram. An empty datagram asks
 * for an empty one.
 * @throws {RangeError} above LARGEST_DATAGRAM.
 */
export function frame(datagram: Uint8Array): Buffer {
  const { length } = datagram
  if (length > LARGEST_DATAGRAM) throw new RangeError(`a datagram has ${length} bytes`)
  const framed = Buffer.allocUnsafe(LENGTH_BYTES + length)
  framed.writeUInt16BE(length)
  framed.set(datagram, LENGTH_BYTES)
  return framed
}

/**
 * Makes a function that takes a stream's chunks, however they are cut, and hands out the datagrams. The datagrams are
 * views of the chunks: whoever keeps one keeps its chunk.
 * @returns false once a length is larger than any datagram can be; nothing is read after that.
 */
export function makeDeframer(onDatagram: (datagram: Uint8Array) => void): (chunk: Uint8Array) => boolean {
  let rest: Uint8Array = new Uint8Array()
  let broken = false
  return (chunk) => {
    const bytes = rest.length === 0 ? asBuffer(chunk) : Buffer.concat([rest, chunk])
    let at = 0
    while (!broken && bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt16BE(at)
      const from = at + LENGTH_BYTES
      broken = length > LARGEST_DATAGRAM
      if (broken || bytes.length - from < length) break
      at = from + length
      onDatagram(bytes.subarray(from, at))
    }
    rest = broken ? new Uint8Array() : bytes.subarray(at)
    return !broken
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
