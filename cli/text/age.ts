/** Seconds for people: `12 s`, `3 min`, `5 h`, `2 d`; `never` for null. */
export function ageText(seconds: number | null): string {
  if (seconds === null) return 'never'
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** Bytes for people, in powers of 1024. */
export function bytesText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10))
  const unit = ['B', 'KiB', 'MiB', 'GiB', 'TiB'][power] ?? 'B'
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${unit}`
}
