/** Whether a flag is set. RouterOS answers `true` and also takes `yes`; a flag that is not set may be absent. */
export function isTrue(value: string | undefined): boolean {
  return value === 'true' || value === 'yes'
}
