import { bundleFor } from '../../lab/host/bundle.ts'
import type { Host } from '../../lab/host/host.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import type { CarrierDriverSays } from './transport-driver.ts'

/** A transport that runs on a home's machine. */
export interface LabCarrier {
  readonly port: number
  readonly process: LabProcess
  /** @param first what to do before it answers. */
  readonly ask: (
    first?: 'hold' | 'release',
  ) => Promise<Required<Pick<CarrierDriverSays, 'sentBytes' | 'receivedBytes' | 'dropped' | 'rssBytes'>>>
  readonly stop: () => Promise<void>
}

/** @param folder the laboratory's. */
export async function startCarrier(folder: string, host: Host): Promise<LabCarrier> {
  const driver = await bundleFor(folder, new URL('./transport-driver.ts', import.meta.url))
  const running = host.start(process.execPath, [driver])
  const [line] = await running.waitForLine(/^{"port".*$/, { timeoutMs: 60_000 })
  return {
    port: (JSON.parse(line) as { port: number }).port,
    process: running,
    ask: async (first) => {
      const after = running.lineCount
      running.write(`${first ?? ''}\n`)
      const [answer] = await running.waitForLine(/^{"sentBytes".*$/, { after, timeoutMs: 60_000 })
      return JSON.parse(answer) as Awaited<ReturnType<LabCarrier['ask']>>
    },
    stop: async () => void (await running.stop()),
  }
}

/** Sends the tunnel somewhere else, and at once: keepalive off and on makes WireGuard speak. */
export async function pointTunnelAt(host: Host, endpoint: string): Promise<void> {
  await host.shell(`
peer=$(wg show hw0 peers)
wg set hw0 peer "$peer" endpoint ${endpoint} persistent-keepalive 0
wg set hw0 peer "$peer" persistent-keepalive 25
`)
}
