import { branchSignal } from './branch-signal.ts'

/** Runs an act with a signal that ends when the time is up or when the given signal does, and cleans up after it. */
export async function within<Result>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  act: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { signal: bounded, end, release } = branchSignal(signal)
  const timer = setTimeout(() => end(new DOMException('it took too long', 'TimeoutError')), milliseconds)
  try {
    return await act(bounded)
  } finally {
    clearTimeout(timer)
    release()
  }
}
