import type { HomeTunnel } from '../agent/bring-tunnel.ts'
import { readAgentConfig } from '../agent/config.ts'
import { readLine } from '../agent/line-memory.ts'
import { openAdapter } from '../agent/open-adapter.ts'
import { readRotatedKey, withKey } from '../agent/rotated-key.ts'
import type { Context } from './context.ts'
import { orNoRoot } from './or-no-root.ts'

/** The home this machine has joined as. @throws {Problem} `config-*`, `no-root`. */
export async function openHome(context: Context): Promise<HomeTunnel> {
  const { configDir, stateDir } = context
  const asWritten = await orNoRoot(() => readAgentConfig(configDir))
  const config = withKey(asWritten, await readRotatedKey(stateDir))
  const line = await readLine(stateDir)
  return { config, stateDir, line, carrier: 'any', adapter: await openAdapter(config.router, context) }
}
