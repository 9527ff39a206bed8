import { readToldAddresses } from '../../agent/settings/told-addresses.ts'
import { isAnswered, LIVING } from '../../agent/probes/first-answer.ts'
import { makeCarries } from '../../agent/tunnel/plan/carries.ts'
import type { HomeTunnel } from '../../agent/tunnel/plan/apply-tunnel.ts'
import { listenPlace } from '../../agent/transport/listen-place.ts'
import { readAgentConfig, type TunnelConfig, tunnelsOf } from '../../agent/settings/config.ts'
import { readUplink } from '../../agent/memory/uplink-memory.ts'
import { readFollowedLan, withFollowedLan } from '../../agent/settings/followed-lan.ts'
import { hubInForce, readHubIdentity } from '../../agent/settings/hub-identity.ts'
import { readPlace } from '../../agent/settings/place.ts'
import { openAdapter } from '../../agent/tunnel/plan/open-adapter.ts'
import { readRotatedKey, withKey } from '../../agent/secrets/rotated-key.ts'
import { refuseOnOther } from './other-machine.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'

/** Opens the home that this machine has joined as. @throws {Problem} `config-*`, `no-root`. */
export async function openHome(context: Context): Promise<HomeTunnel> {
  const wanted = await readWanted(context)
  const adapter = await openAdapter(wanted.config.router, context)
  return {
    ...wanted,
    stateDir: context.stateDir,
    transport: await transportOf(wanted.config),
    isLiving: (signal) =>
      isAnswered(
        wanted.config,
        LIVING,
        signal,
        makeCarries(adapter, () => wanted.config),
      ),
    adapter,
  }
}

/** The wanted configuration, as the files say now. @throws {Problem} `config-*`, `no-root`. */
export async function readWanted(context: Context): Promise<Pick<HomeTunnel, 'config' | 'uplink'>> {
  const { configDir, stateDir } = context
  await refuseOnOther('home', context, 'reading the home’s settings')
  const [asWritten] = tunnelsOf(await orNoRoot(() => readAgentConfig(configDir)))
  const hub = hubInForce(
    asWritten.hub,
    await readPlace(stateDir),
    await readHubIdentity(stateDir),
    await readToldAddresses(stateDir),
  )
  const withLan = withFollowedLan({ ...asWritten, hub }, await readFollowedLan(stateDir))
  const config = withKey(withLan, await readRotatedKey(stateDir))
  return { config, uplink: await readUplink(stateDir) }
}

/** Leaves the agent's TLS transport wherever it is. Without a route to the router there is none. */
async function transportOf({ router }: TunnelConfig): Promise<HomeTunnel['transport']> {
  const place = await listenPlace(router).catch(() => null)
  return place === null ? null : { address: place.address, port: 'any' }
}
