import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planMikrotik } from '../../../adapters/mikrotik/plan.ts'
import type { RouterAccess } from '../../../adapters/mikrotik/api/session.ts'
import { bundleFor } from '../../lab/host/bundle.ts'
import { type Drivers, openDrivers } from '../driver.ts'
import { startProcess } from '../local-process.ts'
import type { MikrotikDriverOptions } from './mikrotik-driver.ts'

/** Starts MikroTik adapters in processes of their own, one after the other, with a state folder in common as agents have. */
export async function mikrotikAgents(
  access: Omit<RouterAccess, 'password'>,
  password: string,
  rollbackSeconds: number,
): Promise<Drivers> {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-contract-'))
  const [optionsFile, passwordFile] = [join(folder, 'options.json'), join(folder, 'password')]
  const options: MikrotikDriverOptions = { ...access, stateDir: join(folder, 'state'), rollbackSeconds }
  await writeFile(optionsFile, JSON.stringify(options))
  await writeFile(passwordFile, password, { mode: 0o600 })
  const driver = await bundleFor(folder, new URL('./mikrotik-driver.ts', import.meta.url))
  const drivers = openDrivers(
    () => startProcess([driver, optionsFile, passwordFile]),
    (observed, desired) => planMikrotik(observed, desired, { host: access.host, rollbackSeconds }),
  )
  return {
    open: drivers.open,
    close: async () => {
      await drivers.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
