import { readAuditLog } from '../../hub/audit/audit-log.ts'
import type { AuditEntry } from '../../hub/audit/entries.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { localTime } from '../../system/time/local-time.ts'
import { printFacts } from '../output.ts'
import { durationIn } from '../text/duration.ts'

/** `homeward hub log [HOME]`: who did what, oldest first. Reads files, so that it needs no daemon. */
export async function hubLog(
  context: Context,
  home: string | undefined,
  { since }: { readonly since?: string },
): Promise<void> {
  const from = since === undefined ? '' : new Date(Date.now() - durationIn(since, '--since')).toISOString()
  const all = await orNoRoot(() => readAuditLog(hubPaths(context).audit, home ?? null))
  // ISO 8601 in UTC sorts as text.
  const entries = all.filter(({ at }) => at >= from)
  printFacts(context, { entries }, () => entries.map(entryText).join('\n') || 'nothing happened')
}

function entryText({ at, home, by, act, what, code }: AuditEntry): string {
  const who = by === 'home' ? (home ?? 'somebody') : home === null ? 'the hub' : `the hub, for ${home}`
  return `${localTime(at)}  ${who}: ${act} ${what}${code === undefined ? '' : ` [${code}]`}`
}
