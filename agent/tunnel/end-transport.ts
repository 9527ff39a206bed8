import type { Adapter } from '../../adapters/adapter.ts'
import { reasonOf } from '../../problems/problem.ts'
import type { Log } from '../../system/process/log.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { failBackToUdp } from './plan/fail-back.ts'
import type { Path } from './plan/path.ts'

export interface EndTransportDeps {
  readonly adapter: Pick<Adapter, 'execute'>
  readonly config: TunnelConfig
  readonly runtimeDir: string
  readonly path: Path
  readonly log: Log
}

/** Takes the tunnel off the TLS transport, whose end is the agent's. Never throws: an agent that ends, ends. */
export async function endTransport({ adapter, config, runtimeDir, path, log }: EndTransportDeps): Promise<void> {
  try {
    const { endpoint } = path
    if (await failBackToUdp(adapter, config, runtimeDir, path))
      log.info({ endpoint }, 'the tunnel is taken off the TLS transport')
  } catch (thrown) {
    log.warn({ why: reasonOf(thrown) }, 'the tunnel could not be taken off the TLS transport')
  }
}
