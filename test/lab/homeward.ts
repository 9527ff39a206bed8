import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Disk } from './host/disk.ts'

/**
 * The built command: HOMEWARD_BIN, else beside this file (when bundled into dist/), else in the checkout's dist/.
 * @throws {Error} when it was not built.
 */
export function homewardCommand(): string {
  const here = dirname(fileURLToPath(import.meta.url))
  const places = [join(here, 'homeward.js'), join(here, '../homeward.js'), join(here, '../../dist/homeward.js')]
  const found = process.env['HOMEWARD_BIN'] ?? places.find((place) => existsSync(place))
  if (found === undefined) throw new Error('finding dist/homeward.js failed: it is not built. Run npm run build.')
  return found
}

/** What tells the command on a host where its files are. The runtime folder is lost at a reboot, the others are not. */
export function homewardEnvironment(disk: Disk): Readonly<Record<string, string>> {
  return {
    HOMEWARD_CONFIG_DIR: disk.configDir,
    HOMEWARD_STATE_DIR: disk.stateDir,
    HOMEWARD_RUNTIME_DIR: '/run/homeward',
  }
}
