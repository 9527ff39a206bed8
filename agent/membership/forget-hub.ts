import { rm } from 'node:fs/promises'
import { givenChannelsPath } from '../../alerts/settings/given-channels.ts'
import { forgetRotatedSecret } from '../secrets/home-secret.ts'
import { forgetRotatedKeys } from '../secrets/rotated-key.ts'
import { forgetHubIdentity } from '../settings/hub-identity.ts'
import { forgetToldAddresses } from '../settings/told-addresses.ts'
import { forgetPlace } from '../settings/place.ts'

/** Removes what a hub gave, or was given since the join: another one knows nothing of it. */
export async function forgetHub(stateDir: string): Promise<void> {
  await forgetRotatedKeys(stateDir)
  await forgetRotatedSecret(stateDir)
  await forgetPlace(stateDir)
  await forgetHubIdentity(stateDir)
  await forgetToldAddresses(stateDir)
  await rm(givenChannelsPath(stateDir), { force: true })
}
