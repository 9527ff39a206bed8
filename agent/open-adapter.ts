import type { Adapter } from '../adapters/adapter.ts'
import type { AgentConfig } from './config.ts'
import type { AgentPlaces } from './places.ts'
import { privateKeyFileOf } from './rotated-key.ts'

/** The adapter of the home's router. Each kind is loaded only where it is used. */
export async function openAdapter(
  router: AgentConfig['router'],
  { configDir, stateDir }: Pick<AgentPlaces, 'configDir' | 'stateDir'>,
): Promise<Adapter> {
  const { kind } = router
  switch (kind) {
    case 'linux': {
      const { linuxAdapter } = await import('../adapters/linux/linux.ts')
      return linuxAdapter({
        privateKeyFile: (publicKey) => privateKeyFileOf(configDir, stateDir, publicKey),
        presharedKeys: () => undefined,
      })
    }
    default:
      return kind satisfies never
  }
}
