/** What git says of a checkout. */
export interface Checkout {
  /** Of HEAD, in full. */
  readonly commit: string
  /** Seconds since 1970, of the commit. */
  readonly committedAt: number
  /** Those that name HEAD. */
  readonly tags: readonly string[]
  /** Whether there is something that is not in the commit. */
  readonly dirty: boolean
}

/**
 * The version of what is built: that of package.json where HEAD bears its tag, else with the commit as build metadata
 * (semver.org, 10), which counts for nothing when versions are compared. A tree with changes says so.
 */
export function versionOf(
  written: string,
  { commit, tags, dirty }: Pick<Checkout, 'commit' | 'tags' | 'dirty'>,
): string {
  const released = tags.includes(`v${written}`) && !dirty
  return released ? written : `${written}+g${commit.slice(0, 12)}${dirty ? '.dirty' : ''}`
}
