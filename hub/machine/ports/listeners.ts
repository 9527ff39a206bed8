import { open, readFile } from 'node:fs/promises'
import ipaddr from 'ipaddr.js'

/** A program of this machine that waits for connections or datagrams from outside. */
export interface Listener {
  /** The address it listens on; `0.0.0.0` and `::` are all addresses. */
  readonly address: string
  readonly port: number
  /** The socket's inode, which tells it from whatever listens there later. */
  readonly inode: string
}

/** Listeners not bound to loopback. Without root: everybody may read ports and addresses, only root the program. */
export async function tcpListeners(proc = '/proc/net'): Promise<readonly Listener[]> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => listeningPart(`${proc}/${name}`)))
  return tables.flatMap((table) => listenersIn(table))
}

const LISTENING = '0A'
/** The state of a UDP socket without a peer: TCP_CLOSE (sk_state in net/ipv4/udp.c). */
const UNCONNECTED = '07'
const CHUNK_BYTES = 64 * 1024

/** Reads the listening sockets: they come first (tcp_get_idx in net/ipv4/tcp_ipv4.c) of what may be very many. */
async function listeningPart(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => null)
  if (file === null) return ''
  try {
    let text = ''
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, null)
      text += buffer.toString('latin1', 0, bytesRead)
      if (bytesRead === 0 || /^ *\d+: \S+ \S+ (?!0A)\w\w /m.test(text)) return text
    }
  } finally {
    await file.close()
  }
}

/** The same for datagrams: sockets that are bound and not connected, among them those of whoever asks something. */
export async function udpListeners(proc = '/proc/net'): Promise<readonly Listener[]> {
  const tables = await Promise.all(['udp', 'udp6'].map((name) => readFile(`${proc}/${name}`, 'utf8').catch(() => '')))
  return tables.flatMap((table) => listenersIn(table, UNCONNECTED))
}

/** Parses proc_pid_net(5): `sl local_address rem_address st …`; the tenth column is the inode. */
export function listenersIn(table: string, wanted = LISTENING): readonly Listener[] {
  return table.split('\n').flatMap((line) => {
    const columns = line.trim().split(/\s+/)
    const [, local = '', , state] = columns
    const [hex = '', port = ''] = local.split(':')
    const inode = columns[9]
    if (state !== wanted || inode === undefined) return []
    const address = addressIn(hex)
    return address === null || address.range() === 'loopback'
      ? []
      : [{ address: address.toString(), port: Number.parseInt(port, 16), inode }]
  })
}

/** Parses an address: words of four bytes in the machine's own order, which is little-endian wherever homeward runs. */
function addressIn(hex: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const words = hex.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []
  if (words.length !== 4 && words.length !== 16) return null
  const bytes = Array.from({ length: words.length / 4 }, (_, word) =>
    words.slice(word * 4, word * 4 + 4).reverse(),
  ).flat()
  return ipaddr.process(ipaddr.fromByteArray(bytes).toString())
}
