import type { Alerting } from '../../alerts/alerting.ts'
import { Problem } from '../../problems/problem.ts'
import type { AlertTestAnswer } from '../../protocol/messages.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Home } from '../core/store-document.ts'

/** Tests the hub's channels. @throws {Problem} `channel-missing`, `rate-limited`. */
export type AlertTests = (caller: Pick<Home, 'name'>, channel: string | null) => Promise<AlertTestAnswer>

/** The same for the hub's owner, as often as they like; null where no daemon runs. @throws {Problem} as `Alerting.test`. */
export type OwnAlertTest = (channel: string | null) => Promise<Awaited<ReturnType<Alerting['test']>> | null>

/** How many tests all homes together may make: tests go to people, whom nobody shall be able to flood. */
const MOST_TESTS = 10
const WITHIN_MS = 60_000

/** @param alerting null where no daemon runs. */
export function makeAlertTests(alerting: Pick<Alerting, 'test'> | null, clock: Pick<Clock, 'now'>): AlertTests {
  /** When the last tests were. Monotonic milliseconds. */
  let tested: readonly number[] = []
  return async (caller, channel) => {
    const what = `testing the hub’s channels for ${caller.name}`
    const now = clock.now()
    tested = tested.filter((at) => now - at < WITHIN_MS)
    if (tested.length >= MOST_TESTS)
      throw new Problem('rate-limited', { what, why: `there were ${MOST_TESTS} within a minute` })
    tested = [...tested, now]
    return { channels: [...((await alerting?.test(channel)) ?? [])] }
  }
}
