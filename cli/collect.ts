/** For options that may be given again: keeps them all. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
