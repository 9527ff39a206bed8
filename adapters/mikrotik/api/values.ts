/** RouterOS's spellings of values. Everything in its API is text. */

/** Reads a flag: replies say true and false, the console yes and no. @throws {Error} on anything else. */
export function booleanIn(text: string): boolean {
  if (text === 'true' || text === 'yes') return true
  if (text === 'false' || text === 'no') return false
  throw new Error(`“${text}” is neither true nor false`)
}

/** Seconds in each unit. */
const UNITS = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 } as const

/** A duration such as `1w2d3h4m5s6ms`, any part missing. */
const IN_UNITS = /^(?:\d+(?:\.\d+)?(?:w|d|h|ms|us|ns|m|s))+$/
/** A duration such as `1w2d03:04:05.5`, `2d 00:01:18` or `00:00:25`. */
const WITH_CLOCK = /^((?:\d+[wd])*)\s*(\d+):(\d{2}):(\d{2}(?:\.\d+)?)$/

/**
 * Seconds in a duration, in all the spellings that RouterOS has had for it; null for an event that never happened:
 * absent, empty or `never`.
 * @throws {Error} on anything else.
 */
export function secondsIn(text: string | undefined): number | null {
  if (text === undefined || text === '' || text === 'never') return null
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text)
  if (IN_UNITS.test(text)) return sumOf(text)
  const [matched, before = '', hours, minutes, seconds] = WITH_CLOCK.exec(text) ?? []
  if (matched !== undefined) return sumOf(before) + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  throw new Error(`“${text}” is no duration`)
}

function sumOf(text: string): number {
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(w|d|h|ms|us|ns|m|s)/g)
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit as keyof typeof UNITS], 0)
}
