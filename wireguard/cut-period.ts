/** How close two gaps must be to agree, whichever is more … */
const RELATIVE = 0.02
const ABSOLUTE_MS = 5 * 60_000
/** … and how far apart gaps of a short period may be at most, to count as a rhythm. */
const MOST_RELATIVE = 0.05

/** The shortest life of a mapping that may be a cut; below it the NAT's timer is at work. */
const SHORTEST_MS = 3_600_000

/** How many gaps must agree; fewer are chance. */
const LEAST_GAPS = 3

/**
 * Whether a carrier cuts flows at a fixed interval, as some do every 24 h, judged by when the mapping changed: the last
 * three gaps or more must agree. One change of another cause within a gap, or after the last cut, is forgiven.
 * @param changes when the mapping's address or port changed: ISO times or milliseconds, oldest first.
 */
export function cutPeriod(changes: readonly (string | number)[]): { readonly hours: number } | null {
  const times = changes.map((at) => (typeof at === 'number' ? at : Date.parse(at)))
  const last = times.length - 1
  const gaps = longest([gapsBack(times, last, []), gapsBack(times, last - 1, [])])
  if (gaps.length < LEAST_GAPS) return null
  return { hours: Math.round(mean(gaps) / 360_000) / 10 }
}

/** The longest run of agreeing gaps that ends with this change. Few runs agree, so few are followed. */
function gapsBack(times: readonly number[], end: number, gaps: readonly number[]): readonly number[] {
  const at = times[end]
  if (at === undefined) return gaps
  const further = [end - 1, end - 2].flatMap((begin) => {
    const before = times[begin]
    if (before === undefined) return []
    const more = [...gaps, at - before]
    return agree(more) ? [gapsBack(times, begin, more)] : []
  })
  return longest([gaps, ...further])
}

function agree(gaps: readonly number[]): boolean {
  const middle = mean(gaps)
  const tolerance = Math.min(Math.max(RELATIVE * middle, ABSOLUTE_MS), MOST_RELATIVE * middle)
  return Math.min(...gaps) >= SHORTEST_MS && Math.max(...gaps) - Math.min(...gaps) <= tolerance
}

/** The first of the longest runs. */
function longest(runs: readonly (readonly number[])[]): readonly number[] {
  return runs.reduce((best, run) => (run.length > best.length ? run : best), [])
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
