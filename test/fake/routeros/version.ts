/** Of RouterOS, e.g. 7.16.2. */
export interface Version {
  readonly text: string
  readonly major: number
  readonly minor: number
}

export function parseVersion(text: string): Version {
  const [major = NaN, minor = NaN] = text.split('.').map(Number)
  if (!Number.isInteger(major) || !Number.isInteger(minor)) throw new TypeError(`not a version: ${text}`)
  return { text, major, minor }
}

/** @param since e.g. 7.18. */
export function isAtLeast({ major, minor }: Version, since: string): boolean {
  const from = parseVersion(since)
  return major > from.major || (major === from.major && minor >= from.minor)
}
