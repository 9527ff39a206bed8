/** Everything, which takes hours: `npm run test:long`. */
export const isLong = process.env['HOMEWARD_TEST_LONG'] === '1'

/** All of them in the long run; else so many, spread evenly, the first and the last among them. */
export function someOf<Item>(all: readonly Item[], count: number): readonly Item[] {
  if (isLong || all.length <= count) return all
  const step = count === 1 ? 0 : (all.length - 1) / (count - 1)
  return Array.from({ length: count }, (_, index) => all[Math.round(index * step)] as Item)
}
