import { quoted } from '../../../problems/printable.ts'
import { isTrue } from '../api/flag.ts'
import { isOwnRule } from './ours.ts'
import type { Row } from '../api/session.ts'

/**
 * A sentence for each fasttrack rule that the tunnel's flows could reach. Fasttracked packets bypass mangle, and with
 * it the MSS clamp (manual, FastTrack). No flow of the tunnel reaches a rule below ours, which accept all of them.
 */
export function fasttrackWarnings(filter: readonly Row[]): readonly string[] {
  const lastOwn = filter.findLastIndex((row) => isOwnRule(row) && row['chain'] === 'forward')
  return filter.flatMap((row, index) => {
    if (row['action'] !== 'fasttrack-connection' || isTrue(row['disabled']) || isTrue(row['dynamic'])) return []
    if (index > lastOwn && lastOwn >= 0) return []
    const comment = row['comment'] ?? ''
    const which =
      comment === '' ? `rule ${index} of the filter, without a comment` : `the filter rule ${quoted(comment, 60)}`
    return [
      `FastTrack (${which}) takes packets past the limit that keeps the tunnel's TCP segments small enough: leave homeward's rules in front of it, where they are placed`,
    ]
  })
}
