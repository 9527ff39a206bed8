import type { Adapter } from '../../../adapters/adapter.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { readSecretFile } from '../../../system/files/secret-file.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'
import type { RouterConfig } from '../../settings/config.ts'
import type { AgentPaths } from '../../settings/paths.ts'
import { privateKeyFileOf } from '../../secrets/rotated-key.ts'
import { accessBy, type Credentials, routerKeyPath } from '../../secrets/router-login.ts'
import { routerPasswordPath } from '../../secrets/router-password.ts'

/**
 * Opens the adapter of the home's router. Each kind is loaded only where it is used.
 * @param credentials what a join was given to log in with, until it has joined; read again for each login.
 */
export async function openAdapter(
  router: RouterConfig,
  { configDir, stateDir }: Pick<AgentPaths, 'configDir' | 'stateDir'>,
  credentials?: () => Credentials,
): Promise<Adapter> {
  const { kind } = router
  switch (kind) {
    case 'linux': {
      const { linuxAdapter } = await import('../../../adapters/linux/linux.ts')
      return linuxAdapter({
        privateKeyFile: (publicKey) => privateKeyFileOf(configDir, stateDir, publicKey),
        presharedKeys: () => undefined,
      })
    }
    case 'mikrotik': {
      const { mikrotikAdapter } = await import('../../../adapters/mikrotik/mikrotik.ts')
      const { host, port, user, certificate } = router
      const password = (): Promise<string> => readSecretFile(credentials?.().file ?? routerPasswordPath(configDir))
      return mikrotikAdapter({ host, port, user, password, certificate, stateDir, clock: systemClock })
    }
    case 'openwrt': {
      const { openwrtAdapter } = await import('../../../adapters/openwrt/openwrt.ts')
      return openwrtAdapter({
        ...accessBy(router, credentials ?? (() => ({ kind: 'key', file: routerKeyPath(configDir) }))),
        privateKey: (publicKey) => readSecretFile(privateKeyFileOf(configDir, stateDir, parsePublicKey(publicKey))),
        clock: systemClock,
      })
    }
    default:
      return kind satisfies never
  }
}
