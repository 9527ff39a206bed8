import * as v from 'valibot'
import { UPGRADE } from '../problems/upgrade.ts'

/** The version of homeward that an end runs, as `--version` prints it: `0.2.0`, or `0.2.0+g0123456789ab`. */
export const RunningVersionSchema = v.pipe(
  v.string(),
  v.maxLength(60),
  v.regex(/^\d{1,4}\.\d{1,4}\.\d{1,4}(?:[-+][\w.+-]*)?$/, 'expected a version'),
)

/**
 * How far two versions are from each other: `same` release, `near`: of neighbouring releases, which are tried with each
 * other, `far`: neither. Below 1.0 a release raises the second number, later the first one with what is not compatible
 * (Semantic Versioning 2.0.0, 4 and 8). Pure.
 */
export function distance(one: string, other: string): 'same' | 'near' | 'far' {
  const [oneMajor = 0, oneMinor = 0] = numbersOf(one)
  const [otherMajor = 0, otherMinor = 0] = numbersOf(other)
  if (oneMajor !== otherMajor) return 'far'
  const apart = Math.abs(oneMinor - otherMinor)
  return apart === 0 ? 'same' : apart === 1 ? 'near' : 'far'
}

/** Whether the first is the older release of the two. Pure. */
export function isOlder(one: string, other: string): boolean {
  const theirs = numbersOf(other)
  const differing = numbersOf(one).findIndex((number, index) => number !== theirs[index])
  return differing !== -1 && (numbersOf(one)[differing] ?? 0) < (theirs[differing] ?? 0)
}

/** An end of the tunnel: what people call it, and the version that it runs. */
interface End {
  readonly name: string
  readonly runs: string
}

/** What a person should know of two ends whose versions were never tried with each other; null: they were. Pure. */
export function farApart(one: End, other: End): string | null {
  if (distance(one.runs, other.runs) !== 'far') return null
  const older = isOlder(one.runs, other.runs) ? one : other
  return `${one.name} runs homeward ${one.runs} and ${other.name} ${other.runs}, which were never tried with each other: upgrade ${older.name} (${UPGRADE})`
}

function numbersOf(version: string): readonly number[] {
  return version
    .split(/[-+]/, 1)
    .flatMap((release) => release.split('.'))
    .map(Number)
}
