import type { Alerting } from '../../alerts/alerting.ts'
import type { Notice } from '../../alerts/core/notices.ts'
import type { AuditLog } from './audit-log.ts'
import type { Noted } from './entries.ts'

/**
 * The audit log, which tells the hub's owner too.
 * @param tell null while there is nobody who could tell: no daemon runs, or not yet.
 */
export function tellingAudit(
  audit: Pick<AuditLog, 'note'>,
  tell: () => Alerting['tell'] | null,
): Pick<AuditLog, 'note'> {
  return {
    note: (entries) => {
      audit.note(entries)
      const of = new Map<string, Notice[]>()
      for (const entry of entries) {
        const notice = noticeOf(entry)
        if (notice !== null && entry.home !== null) of.set(entry.home, [...(of.get(entry.home) ?? []), notice])
      }
      for (const [home, notices] of of) tell()?.(home, notices)
    },
  }
}

/**
 * What the hub's owner is told of an entry; null: the log keeps it, and that is enough. Told is what a home did that it
 * could do harm with; never what the owner did on the hub. What a home gave up harms nobody, what was refused changed
 * nothing, and a key that is rotated when it was due is everyday.
 */
export function noticeOf({ home, by, act, what, about = '' }: Noted): Notice | null {
  if (home === null || by !== 'home') return null
  const takeRight = (right: string): string => `sudo homeward hub home ${home} --may=-${right}`
  const remove = `sudo homeward hub remove ${home}`
  const told = (sort: Notice['sort'], did: string, undo: readonly string[]): Notice => ({ sort, did, undo, allow: [] })
  switch (act) {
    case 'joined':
      return told('join', `joined ${what}`, [remove])
    case 'left':
      return told('leave', 'left the hub, with its devices and published ports', [`sudo homeward hub invite ${home}`])
    case 'key':
      return told('key', what, [`sudo homeward hub revoke-other ${home}`])
    case 'shared':
      return told('shared', `has two machines with ${what}`, [`sudo homeward hub revoke-other ${home}`])
    case 'lan':
      return told('lan', `changed its LAN: ${what}`, [takeRight('lan'), remove])
    case 'exit':
      return told('exit', what, [takeRight('exit')])
    case 'device-added':
      return told('device', `added the device ${what}`, [`sudo homeward device remove ${about}`, takeRight('devices')])
    case 'device-rotated':
      return told('device', `gave other keys to the device ${what}`, [
        `sudo homeward device remove ${about}`,
        takeRight('devices'),
      ])
    case 'published':
      return told('port', `published ${what}`, [`sudo homeward publish remove ${about}`, takeRight('publish')])
    case 'asked':
      return { sort: 'wish', did: `asks ${what}`, undo: [], allow: [`sudo homeward hub approve ${about}`] }
    case 'rotated':
    case 'identity':
    case 'invited':
    case 'rights':
    case 'revoked':
    case 'device-removed':
    case 'withdrawn':
    case 'refused':
      return null
    default:
      return act satisfies never
  }
}
