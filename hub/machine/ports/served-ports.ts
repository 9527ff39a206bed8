import { readFile } from 'node:fs/promises'

/**
 * Ports at which programs of this machine answer from outside. A port that we redirected would be taken from them.
 * Sockets bound to loopback (a stub resolver at 127.0.0.53) and connected ones are nobody's service.
 */
export async function servedPorts(protocol: 'tcp' | 'udp', proc = '/proc/net'): Promise<ReadonlySet<number>> {
  const tables = await Promise.all(
    [`${proc}/${protocol}`, `${proc}/${protocol}6`].map((path) => readFile(path, 'utf8').catch(() => '')),
  )
  return new Set(tables.flatMap(portsIn))
}

/** Alternate ports that no program of this machine serves. */
export function freeAlternatePorts(
  wanted: { readonly port: number; readonly alternatePorts: readonly number[] },
  served: ReadonlySet<number>,
): readonly number[] {
  return wanted.alternatePorts.filter((port) => port !== wanted.port && !served.has(port))
}

/** Parses proc_pid_net(5): `sl local_address rem_address …`, addresses as hex in host order, `ADDRESS:PORT`. */
export function portsIn(table: string): number[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', remote = ''] = line.trim().split(/\s+/)
      const [address = '', port = ''] = local.split(':')
      const connected = !/^0+:0000$/.test(remote)
      return port === '' || connected || isLoopback(address) ? [] : [Number.parseInt(port, 16)]
    })
}

/** 127.0.0.0/8 has its first byte last on a little-endian machine; ::1 and ::ffff:127.0.0.0/104 likewise by words. */
function isLoopback(hex: string): boolean {
  if (hex.length === 8) return hex.endsWith('7F')
  return (
    hex === '00000000000000000000000001000000' || (hex.startsWith('0000000000000000FFFF0000') && hex.endsWith('7F'))
  )
}
