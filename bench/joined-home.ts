import type { Lab } from '../test/lab/lab.ts'
import { buildPicture, type Picture } from '../test/lab/picture.ts'
import type { LabProcess } from '../test/lab/host/process.ts'

/** The picture with a hub that runs and a home that has joined. The agent is not started. */
export async function buildJoinedHome(lab: Lab): Promise<Picture & { readonly hubDaemon: LabProcess }> {
  const picture = await buildPicture(lab)
  const { hub, home } = picture
  await hub.homeward(['hub', 'init', '--address', picture.hubAddress, '--yes'])
  const hubDaemon = hub.startHomeward(['hub', 'run'])
  await hubDaemon.waitForLine(/answering heartbeats/, { timeoutMs: 30_000 })
  const token = (await hub.homeward(['hub', 'invite', 'cabin'])).stdout.trim()
  await home.pi.homeward(['join', token, '--lan', home.lan.prefix, '--yes'], { timeoutMs: 60_000 })
  return Object.assign(picture, { hubDaemon })
}
