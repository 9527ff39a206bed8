import type { Adapter } from '../adapters/adapter.ts'
import type { AgentConfig } from './config.ts'
import { privateKeyPath } from './secrets.ts'

/** The adapter of the home's router. Each kind is loaded only where it is used. */
export async function openAdapter(router: AgentConfig['router'], configDir: string): Promise<Adapter> {
  const { kind } = router
  switch (kind) {
    case 'linux': {
      const { linuxAdapter } = await import('../adapters/linux/linux.ts')
      return linuxAdapter({ privateKeyFile: privateKeyPath(configDir), presharedKeys: () => undefined })
    }
    default:
      return kind satisfies never
  }
}
