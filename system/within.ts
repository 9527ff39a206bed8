/**
 * Runs something with a signal that ends when the time is up or when the given signal does, and cleans up after it.
 * AbortSignal.any on a signal that lives as long as its process would gather a little with every call.
 */
export async function within<Result>(
  milliseconds: number,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController()
  const end = (): void => controller.abort(signal.reason)
  const timer = setTimeout(() => controller.abort(new DOMException('it took too long', 'TimeoutError')), milliseconds)
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  try {
    return await act(controller.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}
