import type { Adapter } from '../adapters/adapter.ts'
import { systemClock } from '../system/clock.ts'
import { readSecretFile } from '../system/secret-file.ts'
import type { RouterConfig } from './config.ts'
import type { AgentPlaces } from './places.ts'
import { privateKeyFileOf } from './rotated-key.ts'
import { routerPasswordPath } from './router-password.ts'

/**
 * The adapter of the home's router. Each kind is loaded only where it is used.
 * @param passwordFile read anew for each login; a join has it elsewhere until it has joined.
 */
export async function openAdapter(
  router: RouterConfig,
  { configDir, stateDir }: Pick<AgentPlaces, 'configDir' | 'stateDir'>,
  passwordFile = routerPasswordPath(configDir),
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
    case 'mikrotik': {
      const { mikrotikAdapter } = await import('../adapters/mikrotik/mikrotik.ts')
      const { host, port, user, certificate } = router
      const password = (): Promise<string> => readSecretFile(passwordFile)
      return mikrotikAdapter({ host, port, user, password, certificate, stateDir, clock: systemClock })
    }
    default:
      return kind satisfies never
  }
}
