import { setImmediate } from 'node:timers/promises'

/** The names of the warnings that Node gives while something is done. */
export async function warningsOf(act: () => unknown): Promise<readonly string[]> {
  const names: string[] = []
  const note = ({ name }: Error): void => void names.push(name)
  process.on('warning', note)
  try {
    await act()
    // Warnings are told in the next tick.
    await setImmediate()
  } finally {
    process.off('warning', note)
  }
  return names
}
