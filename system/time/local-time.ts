/**
 * A moment by the time zone of this machine, or of TZ in the environment, which is named: `2026-11-23 03:12:05 CET`. What
 * is no moment stays as it is.
 */
export function localTime(moment: Date | string): string {
  const date = new Date(moment)
  if (Number.isNaN(date.getTime())) return String(moment)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zoneOf(date)}`
}

/** `CET`, `UTC`, or `GMT+9` where the zone has no letters that everybody knows. */
function zoneOf(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(date)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'local time'
}
