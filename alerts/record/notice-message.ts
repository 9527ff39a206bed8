import type { NoticeBundle, NoticeSort } from '../core/notices.ts'
import type { Message } from './message.ts'

/** Several acts of one sort, in a title. */
const MANY: Readonly<Record<NoticeSort, (count: number) => string>> = {
  join: (count) => (count === 1 ? 'joined' : `joined ${count} times`),
  leave: (count) => (count === 1 ? 'left' : `left ${count} times`),
  key: (count) => (count === 1 ? 'changed its key' : `changed its key ${count} times`),
  shared: () => 'two machines have its identity',
  lan: (count) => (count === 1 ? 'changed its LAN' : `changed its LAN ${count} times`),
  exit: (count) => (count === 1 ? 'changed its way out' : `changed its way out ${count} times`),
  device: (count) => `added ${count === 1 ? 'a device' : `${count} devices`}`,
  port: (count) => `published ${count === 1 ? 'a port' : `${count} ports`}`,
  wish: (count) => `asks for ${count === 1 ? 'your permission' : `${count} permissions`}`,
}

/** Commands of each kind that a message lists: what a phone shows without scrolling. */
const MOST_COMMANDS = 6
/** Acts that a message spells out. */
const MOST_SPELLED = 10

/** Composes what the hub's owner is told of a member. Pure. */
export function noticeMessage(id: string, { home, counts, notices }: NoticeBundle, at: Date): Message {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const [first] = notices
  const title =
    total === 1 && first !== undefined
      ? first.did
      : Object.entries(counts)
          .map(([sort, count]) => MANY[sort as NoticeSort](count))
          .join(', ')
  const spelled = notices.slice(0, MOST_SPELLED)
  const [undo, allow] = [commands(notices.flatMap((one) => one.undo)), commands(notices.flatMap((one) => one.allow))]
  const text = [
    ...spelled.map(({ did }) => `${home} ${did}.`),
    ...(total > spelled.length ? [`And ${total - spelled.length} more.`] : []),
    ...(undo === null ? [] : [`If that was not you, on the hub: ${undo}`]),
    ...(allow === null ? [] : [`To allow what it asks for, on the hub: ${allow}`]),
    `All that it did: sudo homeward hub log ${home}`,
  ].join('\n')
  return { id, kind: 'security', at: at.toISOString(), home, title: `${home}: ${title}`, text, incident: null }
}

/** Each command once; null: none. */
function commands(all: readonly string[]): string | null {
  const each = [...new Set(all)]
  return each.length === 0 ? null : each.slice(0, MOST_COMMANDS).join('; ')
}
