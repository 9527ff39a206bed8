import { join } from 'node:path'
import * as v from 'valibot'
import { reasonOf } from '../../problems/problem.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import { overwriteFile } from '../../system/files/overwrite.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { NewEvent } from './events.ts'
import { makeInbox } from '../../system/process/inbox.ts'

/**
 * Keeps a tunnel from beginning in the past. A Pi has no clock battery, and the hub refuses handshakes that bear an
 * older time than it has seen (TAI64N; WireGuard paper, section 5.1), so that beginning too early only adds a
 * misleading trace.
 */
export interface ClockGuard {
  /**
   * Ends when the calendar has passed the latest time seen before this agent, when the hub says that the calendar is
   * right, or after a minute: a tunnel that may be refused is better than none. Only the first call can take time.
   * @param isUp whether the interface is there and up; then nothing is held back.
   */
  readonly hold: (isUp: () => Promise<boolean>, signal: AbortSignal) => Promise<void>
  /** How far behind the calendar is while `hold` waits; null while it does not. */
  readonly behindSeconds: () => number | null
  /** Takes the hub's time from a registration, as a second opinion on the clock. */
  readonly heard: (hubTime: string) => void
  /** Remembers the time: rarely, since a Pi writes to an SD card, and when the signal comes. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

const LOOK_EVERY_MS = 500
const LONGEST_HOLD_MS = 60_000
const REMEMBER_EVERY_MS = 15 * 60_000
/** How far a clock may be from the hub's and still count as right. */
const AGREES_MS = 60_000

const SeenSchema = v.object({ seen: v.pipe(v.string(), v.isoTimestamp()) })

/** Opens the guard and never fails: without its memory it lets every clock pass. */
export async function openClockGuard(
  stateDir: string,
  clock: Clock,
  note: (event: NewEvent) => void,
  log: Log,
): Promise<ClockGuard> {
  const path = clockPath(stateDir)
  const wakes = makeInbox<'heard'>()
  let seen = await readSeen(path)
  let passed = false
  let holding = false
  /** The hub's calendar minus our monotonic clock. */
  let hubOffset: number | null = null
  let differs = false

  const wall = (): number => clock.wall().getTime()
  const aheadOfHubMs = (): number => (hubOffset === null ? 0 : wall() - hubOffset - clock.now())
  const isVouchedFor = (): boolean => hubOffset !== null && Math.abs(aheadOfHubMs()) <= AGREES_MS
  /** With the hub's confirmation the calendar is right, and the time seen before was a wrong clock's. */
  const behindMs = (): number => (seen === null || isVouchedFor() ? 0 : Math.max(0, seen - wall()))

  async function wait(behindSeconds: number, signal: AbortSignal): Promise<void> {
    const startedAt = clock.now()
    log.warn({ behindSeconds }, 'this machine’s clock is behind the last time it showed; the tunnel waits for it')
    while (behindMs() > 0 && clock.now() - startedAt < LONGEST_HOLD_MS && !signal.aborted) {
      await wakes.wait(LOOK_EVERY_MS, signal)
      wakes.drain()
    }
    if (signal.aborted) return
    const waitedSeconds = Math.round((clock.now() - startedAt) / 100) / 10
    const right = behindMs() === 0
    log[right ? 'info' : 'warn']({ waitedSeconds, right }, 'the tunnel begins')
    note({ kind: 'clock', behindSeconds, waitedSeconds })
  }

  async function remember(): Promise<void> {
    // The time of a clock ahead of the hub's would make every later start wait for it.
    if (aheadOfHubMs() > AGREES_MS || behindMs() > 0) return
    const now = wall()
    if (seen !== null && now <= seen && !isVouchedFor()) return
    try {
      await overwriteFile(path, `${JSON.stringify({ seen: new Date(now).toISOString() })}\n`)
      seen = now
    } catch (thrown) {
      log.warn({ why: reasonOf(thrown) }, 'the time could not be written down')
    }
  }

  return {
    hold: async (isUp, signal) => {
      if (passed) return
      const behindSeconds = Math.round(behindMs() / 1_000)
      holding = behindMs() > 0 && !(await isUp())
      try {
        if (holding) await wait(behindSeconds, signal)
        passed = !signal.aborted
      } finally {
        holding = false
      }
    },
    behindSeconds: () => (holding ? Math.round(behindMs() / 1_000) : null),
    heard: (hubTime) => {
      const said = Date.parse(hubTime)
      if (!Number.isFinite(said)) return
      hubOffset = said - clock.now()
      wakes.put('heard')
      const behindSeconds = Math.round(-aheadOfHubMs() / 1_000)
      const differed = differs
      differs = !isVouchedFor()
      if (!differs || differed) return
      log.warn({ behindSeconds }, 'this machine’s clock differs from the hub’s by more than a minute')
      note({ kind: 'clock', behindSeconds, waitedSeconds: null })
    },
    run: async (signal) => {
      if (seen === null || wall() - seen >= REMEMBER_EVERY_MS) await remember()
      // At the end too, even if that came while the first was being written.
      do {
        await sleep(REMEMBER_EVERY_MS, signal)
        await remember()
      } while (!signal.aborted)
    },
  }
}

export function clockPath(stateDir: string): string {
  return join(stateDir, 'clock.json')
}

/** The latest time seen, milliseconds since 1970; null when nothing was written, or nothing that can be read. */
async function readSeen(path: string): Promise<number | null> {
  const remembered = await readJsonFile(path, SeenSchema)
  return remembered === null ? null : Date.parse(remembered.seen)
}
