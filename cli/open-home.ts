import type { HomeTunnel } from '../agent/bring-tunnel.ts'
import { readAgentConfig } from '../agent/config.ts'
import { readLine } from '../agent/line-memory.ts'
import { openAdapter } from '../agent/open-adapter.ts'
import { readRotatedKey, withKey } from '../agent/rotated-key.ts'
import type { Context } from './context.ts'
import { orNoRoot } from './or-no-root.ts'

/** The home this machine has joined as. @throws {Problem} `config-*`, `no-root`. */
export async function openHome(context: Context): Promise<HomeTunnel> {
  const wanted = await readWanted(context)
  const adapter = await openAdapter(wanted.config.router, context)
  return { ...wanted, stateDir: context.stateDir, carrier: 'any', adapter }
}

/** What it is to be like, as the files say now. @throws {Problem} `config-*`, `no-root`. */
export async function readWanted({ configDir, stateDir }: Context): Promise<Pick<HomeTunnel, 'config' | 'line'>> {
  const asWritten = await orNoRoot(() => readAgentConfig(configDir))
  const config = withKey(asWritten, await readRotatedKey(stateDir))
  return { config, line: await readLine(stateDir) }
}
