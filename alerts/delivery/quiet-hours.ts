import { CronTime } from 'cron'

/** Loaded only where somebody has quiet hours: luxon, which cron uses, costs memory. */

/** Whether it is quiet now: the next of both moments ends it. Two expressions, in this machine's time zone. */
export function makeQuietHours({
  from,
  until,
}: {
  readonly from: string
  readonly until: string
}): (now: Date) => boolean {
  const [begins, ends] = [new CronTime(from), new CronTime(until)]
  return (now) => ends.getNextDateFrom(now).toMillis() < begins.getNextDateFrom(now).toMillis()
}
