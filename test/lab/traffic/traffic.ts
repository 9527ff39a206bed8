import type { Host } from '../host/host.ts'

/**
 * What passed an interface, both directions together, since it was made. Counted by the kernel: on Ethernet each packet
 * with its 14 bytes of header.
 */
export async function bytesOnWire(host: Host, device: string): Promise<number> {
  const { stdout } = await host.run('ip', ['-s', '-j', 'link', 'show', 'dev', device])
  const [link] = JSON.parse(stdout) as [{ stats64: Record<'rx' | 'tx', { bytes: number }> }]
  return link.stats64.rx.bytes + link.stats64.tx.bytes
}
