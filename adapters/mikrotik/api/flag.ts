/** RouterOS answers `true` and takes `yes` as well; a flag that is not set may be absent. */
export function isTrue(value: string | undefined): boolean {
  return value === 'true' || value === 'yes'
}
