import type { Described } from '../../backup/backup.ts'
import { readAgentConfig, tunnelsOf } from '../../agent/settings/config.ts'
import { readHubConfig } from '../../hub/settings/config.ts'
import { readIdentity } from '../../hub/settings/identity.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { readStoreFile } from '../../hub/store/store-file.ts'
import { readBearer } from '../../agent/secrets/secrets.ts'
import { hostPort } from '../../wireguard/host-port.ts'

interface Folders {
  readonly configDir: string
  readonly stateDir: string
  readonly runtimeDir: string
}

/**
 * What the files in these folders make of a machine, by the readers that its daemon has: what they do not take is no
 * backup, and none is put back that they would not take.
 * @throws {Problem} `config-*`, `secret-exposed`, `store-*`.
 */
export async function describedMachine(folders: Folders, role: 'home' | 'hub'): Promise<Described> {
  return role === 'hub' ? await describedHub(folders) : await describedHome(folders)
}

async function describedHub(folders: Folders): Promise<Described> {
  const paths = hubPaths(folders)
  const { addresses, port } = await readHubConfig(paths.config)
  await readIdentity(paths)
  const { homes, devices } = await readStoreFile(paths.store)
  const names = (ones: readonly { readonly name: string }[]): string[] => ones.map(({ name }) => name)
  const [first = ''] = addresses
  return {
    role: 'hub',
    name: hostPort(first, port),
    hub: { addresses: [...addresses], port },
    homes: names(homes),
    devices: names(devices),
  }
}

async function describedHome({ configDir, stateDir }: Folders): Promise<Described> {
  const config = await readAgentConfig(configDir)
  await readBearer({ configDir, stateDir }, config.home)
  const [{ hub }] = tunnelsOf(config)
  return {
    role: 'home',
    name: config.home,
    hub: { addresses: [...hub.addresses], port: hub.port },
    homes: [],
    devices: [],
  }
}
