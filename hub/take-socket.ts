import { Problem } from '../problems/problem.ts'
import { askLocal, type LocalHandler, type LocalServer, serveLocal } from '../system/sockets/local-socket.ts'
import { sleep } from '../system/time/sleep.ts'

/** Who may hold the hub's socket: the daemon, for as long as it lives, or a command that found none and is done soon. */
export type Holder = 'daemon' | 'command'

/** The question by which a holder is asked which it is. */
export const HOLDER = 'holder'

/**
 * How long the daemon waits for the socket. A command may prove the way in, or apply a plan, on a busy machine; a daemon
 * may be about to end. Holders of an earlier version do not say what they are.
 */
const WITHIN_MS: Readonly<Record<Holder, number>> = { command: 90_000, daemon: 10_000 }

const EVERY_MS = 200
const ASK_MS = 5_000

/**
 * Takes the daemon's socket, behind a command that holds it for a moment.
 * @throws {Problem} `already-running`.
 */
export async function takeSocket(
  path: string,
  handler: LocalHandler,
  signal: AbortSignal,
  within = WITHIN_MS,
): Promise<LocalServer> {
  const began = performance.now()
  for (;;) {
    try {
      return await serveLocal(path, 0o600, handler)
    } catch (thrown) {
      if (!(thrown instanceof Problem) || thrown.code !== 'already-running' || signal.aborted) throw thrown
      if (performance.now() - began > within[await holderOf(path)]) throw thrown
      await sleep(EVERY_MS, signal)
    }
  }
}

async function holderOf(path: string): Promise<Holder> {
  try {
    const asked = await askLocal(path, HOLDER, null, ASK_MS)
    // Nobody holds it any more: the next try tells.
    return asked === null || asked.answer === ('command' satisfies Holder) ? 'command' : 'daemon'
  } catch {
    return 'daemon'
  }
}
