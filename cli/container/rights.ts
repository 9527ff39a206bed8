import { findDataPlane } from '../../adapters/linux/data-plane.ts'
import { requireNetAdmin } from '../../adapters/linux/capability.ts'
import { Problem } from '../../problems/problem.ts'

const LOOK_MS = 30_000

/**
 * Says what a container lacks before anything is made: only whoever starts it can give it that.
 * @throws {Problem} `no-root`, `no-wireguard`.
 */
export async function refuseWithoutRights(): Promise<void> {
  const what = 'starting this container'
  await orAdvise(
    () => requireNetAdmin(what),
    'Give it to the container: cap_add: [NET_ADMIN] in compose.yaml, or docker run --cap-add NET_ADMIN',
  )
  await orAdvise(
    () => findDataPlane(AbortSignal.timeout(LOOK_MS)),
    'Give the container the device: devices: [/dev/net/tun] in compose.yaml, or docker run --device /dev/net/tun; or load the module on the host: modprobe wireguard',
  )
}

async function orAdvise(look: () => Promise<unknown>, next: string): Promise<void> {
  try {
    await look()
  } catch (thrown) {
    if (!(thrown instanceof Problem) || !['no-root', 'no-wireguard'].includes(thrown.code)) throw thrown
    throw new Problem(thrown.code, { what: thrown.what, why: thrown.why, next, cause: thrown })
  }
}
