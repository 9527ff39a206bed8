import { handOver } from '../../system/files/hand-over.ts'
import { isThere } from '../../system/files/is-there.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { tell } from '../output.ts'

/** `homeward hand-over`, for install.sh: gives the services what root has made in their folders. */
export async function handOverFolders({ configDir, stateDir }: Context): Promise<void> {
  for (const folder of [configDir, stateDir]) {
    if (!(await isThere(folder))) continue
    for (const path of await orNoRoot(() => handOver(folder)))
      tell(`${path} was left to its owner: it is a link, or no plain file`)
  }
}
