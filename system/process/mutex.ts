/** Mutual exclusion within this process: one holder at a time, in the order of the calls. */
export interface Mutex {
  /**
   * Runs the act when all acts before it have ended, however they ended; its result or error is the caller's.
   * @param signal ends the wait, with its reason: the act is then never begun. An act that has begun is not cut off by
   * it.
   */
  readonly runExclusive: <Result>(act: () => Promise<Result>, signal?: AbortSignal) => Promise<Result>
  /** Waits for all acts that were requested until now. */
  readonly settled: () => Promise<void>
}

export function makeMutex(): Mutex {
  /** The last act requested; never rejects. */
  let last: Promise<void> = Promise.resolve()
  return {
    runExclusive: (act, signal) =>
      new Promise((resolve, reject) => {
        const giveUp = (): void => reject(signal?.reason as Error)
        signal?.addEventListener('abort', giveUp)
        if (signal?.aborted === true) giveUp()
        last = last.then(async () => {
          signal?.removeEventListener('abort', giveUp)
          if (signal?.aborted === true) return
          try {
            resolve(await act())
          } catch (thrown) {
            reject(thrown)
          }
        })
      }),
    settled: () => last,
  }
}
