import type { Host } from './host.ts'

/** Counted by the kernel at the interface: on Ethernet each packet with its 14 bytes of header. */
export interface Traffic {
  readonly rxBytes: number
  readonly txBytes: number
  readonly rxPackets: number
  readonly txPackets: number
}

export async function trafficOf(host: Host, device: string): Promise<Traffic> {
  const { stdout } = await host.run('ip', ['-s', '-j', 'link', 'show', 'dev', device])
  const [link] = JSON.parse(stdout) as [{ stats64: Record<'rx' | 'tx', { bytes: number; packets: number }> }]
  const { rx, tx } = link.stats64
  return { rxBytes: rx.bytes, txBytes: tx.bytes, rxPackets: rx.packets, txPackets: tx.packets }
}

/** Both directions together. */
export async function bytesOnWire(host: Host, device: string): Promise<number> {
  const { rxBytes, txBytes } = await trafficOf(host, device)
  return rxBytes + txBytes
}
