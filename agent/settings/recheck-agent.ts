import { askLocal } from '../../system/sockets/local-socket.ts'
import { agentControlPath, agentSocketPath } from './socket-path.ts'

const RECHECK = 'recheck'

/**
 * Has a running agent look at agent.yaml now instead of soon; ends when it has taken what it found. `somebody`: an agent
 * runs that did not say so, such as one that ends meanwhile. null: none runs. Never throws.
 */
export async function recheckAgent(runtimeDir: string, timeoutMs: number): Promise<'looked' | 'somebody' | null> {
  // Agents of before listen at one socket; one that is of now may be about to begin at the other, or to end.
  for (const path of [agentControlPath(runtimeDir), agentSocketPath(runtimeDir)]) {
    const reply = await askLocal(path, RECHECK, null, timeoutMs).catch(() => 'somebody' as const)
    if (reply !== null) return reply === 'somebody' ? reply : 'looked'
  }
  return null
}

/** Answers it. */
export function recheckHandler(recheck: () => Promise<void>): (verb: string) => Promise<null> {
  return async (verb) => {
    if (verb !== RECHECK) throw new TypeError(`nothing that an agent does: ${verb.slice(0, 20)}`)
    await recheck()
    return null
  }
}
