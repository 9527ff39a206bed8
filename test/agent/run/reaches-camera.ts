import { sleep } from '../../../system/time/sleep.ts'
import type { Picture } from '../../lab/picture.ts'

/** The camera's page, asked for on the hub: through the tunnel and the home's LAN. */
export async function reachesCamera({ home, hub }: Picture): Promise<boolean> {
  const url = `http://${home.lan.camera}/`
  const { stdout } = await hub.run('curl', ['-sS', '-m', '10', url], { allowFailure: true })
  return stdout.includes('camera')
}

/** A session that is gone at one end is there again with the next handshake. */
export async function comesToReachCamera(picture: Picture): Promise<boolean> {
  for (let round = 0; round < 30; round += 1) {
    if (await reachesCamera(picture)) return true
    await sleep(500)
  }
  return false
}
