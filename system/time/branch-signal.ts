import { setMaxListeners } from 'node:events'

/** A signal that ends with the one it came from, or sooner. */
export interface Branch {
  readonly signal: AbortSignal
  readonly end: (reason?: unknown) => void
  /** Lets go of where it came from; whoever holds the signal goes on. */
  readonly release: () => void
}

/**
 * One listener on the given signal, however many wait for the branch. Not AbortSignal.any: on a signal that lives as long
 * as its process that gathers a little with every call, and a timeout among its sources Node 20 may collect before it fires.
 */
export function branchSignal(from?: AbortSignal): Branch {
  const controller = new AbortController()
  // A daemon's programs wait by the same one, each several times, and take their listeners away: over ten are no leak.
  setMaxListeners(0, controller.signal)
  const release = (): void => from?.removeEventListener('abort', follow)
  const end = (reason?: unknown): void => {
    release()
    controller.abort(reason)
  }
  const follow = (): void => end(from?.reason)
  from?.addEventListener('abort', follow)
  if (from?.aborted === true) follow()
  return { signal: controller.signal, end, release }
}
