/** Packets of neighbours as they are on the wire, made apart from the code that reads them. */

export interface FakeMikrotik {
  readonly identity: string
  readonly version: string
  readonly board: string
  readonly platform?: string
}

/** As RouterOS 7 sends it, its fields in its order, the uptime in little endian. */
export function mndpPacket({ identity, version, board, platform = 'MikroTik' }: FakeMikrotik, address: string): Buffer {
  const uptime = Buffer.alloc(4)
  uptime.writeUInt32LE(123_456)
  return Buffer.concat([
    Buffer.from([0x00, 0x00, 0x00, 0x2a]),
    field(1, Buffer.from('48a98a123456', 'hex')),
    field(5, Buffer.from(identity)),
    field(7, Buffer.from(version)),
    field(8, Buffer.from(platform)),
    field(10, uptime),
    field(11, Buffer.from('ABCD-1234')),
    field(12, Buffer.from(board)),
    field(14, Buffer.from([0])),
    field(16, Buffer.from('bridge/ether2')),
    field(17, Buffer.from(address.split('.').map(Number))),
  ])
}

function field(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(value.length, 2)
  return Buffer.concat([head, value])
}

/** As umdns of OpenWrt answers for SSH: the second name of an instance is a pointer to the first (RFC 1035, 4.1.4). */
export function sshAnswer(instance: string, texts: readonly string[]): Buffer {
  const service = Buffer.concat([label('_ssh'), label('_tcp'), label('local'), Buffer.from([0])])
  const header = Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 2])
  // The service's name is the first thing behind the header, at 12; the instance's begins 10 behind that name.
  const toService = Buffer.from([0xc0, 12])
  const atInstance = 12 + service.length + 10
  const toInstance = Buffer.from([0xc0, atInstance])
  const text = Buffer.concat(texts.map((one) => label(one)))
  const target = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 22]), label('OpenWrt'), Buffer.from([0xc0, 22])])
  return Buffer.concat([
    header,
    service,
    record(12, Buffer.concat([label(instance), toService])),
    toInstance,
    record(33, target),
    toInstance,
    record(16, text),
  ])
}

function label(text: string): Buffer {
  return Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)])
}

/** Type, class IN with the cache-flush bit (RFC 6762, 10.2), a TTL, and the value behind its length. */
function record(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(10)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(type === 12 ? 1 : 0x8001, 2)
  head.writeUInt32BE(120, 4)
  head.writeUInt16BE(value.length, 8)
  return Buffer.concat([head, value])
}
