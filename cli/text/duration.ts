import { Problem } from '../../problems/problem.ts'

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `30m`, `24h`, `7d` as milliseconds. @throws {Problem} `wrong-usage`. */
export function durationIn(text: string, option: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count !== undefined && unit !== undefined) return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS]
  throw new Problem('wrong-usage', {
    what: `reading ${option} ${JSON.stringify(text)}`,
    why: 'expected a time',
    next: 'Write it as 90s, 30m, 24h or 7d',
  })
}
