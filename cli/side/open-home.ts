import type { HomeTunnel } from '../../agent/tunnel/bring-tunnel.ts'
import { carrierPlace } from '../../agent/carrier/carrier-place.ts'
import { readAgentConfig, type TunnelConfig, tunnelsOf } from '../../agent/settings/config.ts'
import { readLine } from '../../agent/memory/line-memory.ts'
import { openAdapter } from '../../agent/tunnel/open-adapter.ts'
import { readRotatedKey, withKey } from '../../agent/secrets/rotated-key.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'

/** The home this machine has joined as. @throws {Problem} `config-*`, `no-root`. */
export async function openHome(context: Context): Promise<HomeTunnel> {
  const wanted = await readWanted(context)
  const adapter = await openAdapter(wanted.config.router, context)
  return { ...wanted, stateDir: context.stateDir, carrier: await carrierOf(wanted.config), adapter }
}

/** What it is to be like, as the files say now. @throws {Problem} `config-*`, `no-root`. */
export async function readWanted({ configDir, stateDir }: Context): Promise<Pick<HomeTunnel, 'config' | 'line'>> {
  const [asWritten] = tunnelsOf(await orNoRoot(() => readAgentConfig(configDir)))
  const config = withKey(asWritten, await readRotatedKey(stateDir))
  return { config, line: await readLine(stateDir) }
}

/** Wherever the agent's carrier is, it is left there. Without a way to the router there is none. */
async function carrierOf({ router }: TunnelConfig): Promise<HomeTunnel['carrier']> {
  const place = await carrierPlace(router).catch(() => null)
  return place === null ? null : { address: place.address, port: 'any' }
}
