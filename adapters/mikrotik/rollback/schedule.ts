import { isGone } from '../objects/change.ts'
import { markOf } from '../objects/mark.ts'
import type { Place } from '../objects/place.ts'
import { quote } from './undo-script.ts'

const SCHEDULER = '/system/scheduler'

/** Has the router run a script once, that many seconds from now. The entry survives a restart of the router. */
export async function scheduleOnce(
  interfaceName: string,
  seconds: number,
  script: string,
  place: Place,
): Promise<void> {
  const name = entryName(interfaceName)
  await unschedule(interfaceName, place)
  const attributes = {
    name,
    // Without a start time the interval counts from now, and repeats: so the entry removes itself first.
    interval: `${seconds}s`,
    'on-event': `${SCHEDULER}/remove [find where name=${quote(name)}]\n${script}`,
    policy: 'read,write,test',
    comment: markOf(interfaceName),
  }
  await place.exec({ command: `${SCHEDULER}/add`, attributes }, place.signal)
}

/** Removes the entry. @returns whether it was still to come. */
export async function unschedule(interfaceName: string, { exec, signal }: Place): Promise<boolean> {
  const attributes = { '.proplist': '.id,name' }
  const { rows } = await exec({ command: `${SCHEDULER}/print`, attributes }, signal)
  const entry = rows.find((row) => row['name'] === entryName(interfaceName))
  if (entry === undefined) return false
  try {
    await exec({ command: `${SCHEDULER}/remove`, attributes: { '.id': entry['.id'] ?? '' } }, signal)
    return true
  } catch (thrown) {
    if (isGone(thrown)) return false
    throw thrown
  }
}

function entryName(interfaceName: string): string {
  return `homeward-undo-${interfaceName}`
}
