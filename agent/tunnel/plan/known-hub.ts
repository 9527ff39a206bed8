import { readUplink } from '../../memory/uplink-memory.ts'
import type { HubConfig } from '../../settings/config.ts'
import { hubInForce, readHubIdentity } from '../../settings/hub-identity.ts'
import { readToldAddresses } from '../../settings/told-addresses.ts'
import { provenAddress } from './tunnel-spec.ts'

/**
 * The hub as a command at home asks it: with its present key and certificate, and the address at which it last answered
 * through the tunnel before its names, which lead nowhere without DNS.
 * @param written the hub as agent.yaml has it. @param stateDir null: nothing is remembered.
 */
export async function knownHub(written: HubConfig, stateDir: string | null): Promise<HubConfig> {
  if (stateDir === null) return written
  const hub = hubInForce(written, null, await readHubIdentity(stateDir), await readToldAddresses(stateDir))
  const proven = provenAddress(hub, await readUplink(stateDir))
  return proven === null ? hub : { ...hub, addresses: [...new Set([proven, ...hub.addresses])] }
}
