import type { Clock } from '../../../system/time/clock.ts'
import type { Place } from '../objects/place.ts'
import { stopJob } from './job.ts'
import { type Undoer, UNKNOWN_JOB } from './journal.ts'
import { removeMarkers } from './marker.ts'
import { unschedule } from './schedule.ts'

/** Time allowed for a job that the router began a little later than it was told. */
const GRACE_SECONDS = 30

/**
 * Calls off what a router was armed with.
 * @returns whether it was still to come; false also where nobody knows.
 */
export async function dismiss(undoer: Undoer, interfaceName: string, clock: Clock, place: Place): Promise<boolean> {
  switch (undoer.kind) {
    case 'safe-mode':
      return true
    case 'job':
      // Without its marker the job undoes nothing, whatever its number: it sleeps to its end.
      await removeMarkers([interfaceName], place)
      if (undoer.id === UNKNOWN_JOB) return false
      // By then another script may have the job's number.
      if (clock.wall().getTime() / 1_000 > undoer.until + GRACE_SECONDS) return false
      return stopJob(undoer.id, place)
    case 'schedule':
      return unschedule(interfaceName, place)
    default:
      return undoer satisfies never
  }
}
