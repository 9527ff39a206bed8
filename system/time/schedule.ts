import { CronTime } from 'cron'
import type { Clock } from './clock.ts'
import { sleep } from './sleep.ts'

/** This module is loaded only where something is scheduled: luxon, which cron calculates with, costs memory. */

/** One moment, on both clocks. */
export interface Look {
  readonly now: number
  readonly wall: number
}

/** How often to look at the clock at least, since somebody may set it. */
const LOOK_EVERY_MS = 60_000
/** How far a clock jumps when it is set: one that is only slewed moves less between two looks. */
const STEP_MS = 30_000

/**
 * Acts at the moments that a cron expression names, in the time zone of this machine, until the signal ends it. An act
 * that has begun is waited for; moments that passed during it are made up for once. A moment that passed while nothing
 * ran, or that a set clock leapt over, is left out: a Pi's first step from 1970 must not do a month's work.
 * @param expression five fields, or six with seconds first; already checked.
 */
export async function schedule(
  expression: string,
  act: (signal: AbortSignal) => Promise<void>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const time = new CronTime(expression)
  const look = (): Look => ({ now: clock.now(), wall: clock.wall().getTime() })
  let before = look()
  while (!signal.aborted) {
    await sleep(Math.min(LOOK_EVERY_MS, nextAfter(time, before.wall) - before.wall), signal)
    const after = look()
    const due = isDue(time, before, after)
    before = after
    if (due && !signal.aborted) await act(signal)
  }
}

/** Whether a moment of the expression lies between two looks, and was reached by the passing of time. */
export function isDue(time: CronTime, before: Look, after: Look): boolean {
  const steppedMs = after.wall - before.wall - (after.now - before.now)
  return Math.abs(steppedMs) <= STEP_MS && nextAfter(time, before.wall) <= after.wall
}

/** Why an expression cannot be scheduled, for people; null when it can. */
export function whyNoSchedule(expression: string): string | null {
  const { valid, error } = CronTime.validateCronExpression(expression)
  if (!valid) return error?.message ?? 'no cron expression'
  try {
    new CronTime(expression).getNextDateFrom(new Date())
    return null
  } catch {
    return 'no such day in the next eight years'
  }
}

function nextAfter(time: CronTime, wall: number): number {
  return time.getNextDateFrom(new Date(wall)).toMillis()
}
