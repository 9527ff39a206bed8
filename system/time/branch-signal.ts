import { setMaxListeners } from 'node:events'

/** A signal that ends with its source, or sooner. */
export interface Branch {
  readonly signal: AbortSignal
  readonly end: (reason?: unknown) => void
  /** Removes the listener on the source; holders of the signal keep it. */
  readonly release: () => void
}

/**
 * Makes a branch with one listener on the source, however many wait for the branch. Not AbortSignal.any: on a signal
 * that lives as long as its process that leaks a little with every call, and Node 20 may collect a timeout among its
 * sources before it fires.
 */
export function branchSignal(from?: AbortSignal): Branch {
  const controller = new AbortController()
  // A daemon's loops wait on the same signal, each several times, and remove their listeners: over ten are no leak.
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
