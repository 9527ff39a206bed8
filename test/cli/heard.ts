import { vi } from 'vitest'

/** What a command says on standard output and error while it runs; and what it throws, if it does. */
export async function heardWhile(
  act: () => Promise<void>,
): Promise<{ readonly text: string; readonly problem: { readonly code?: string; readonly message: string } | null }> {
  let text = ''
  const take = (part: unknown): boolean => {
    text += String(part)
    return true
  }
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(take))
  const before = process.exitCode
  try {
    await act()
    return { text, problem: null }
  } catch (thrown) {
    return { text, problem: thrown as { code?: string; message: string } }
  } finally {
    for (const stream of streams) stream.mockRestore()
    process.exitCode = before
  }
}
