import type { ShownRow } from '../tables/shown.ts'

/** One echo as `/tool/ping` tells it. @param times of those that came back so far, in milliseconds. */
export function pingRow(host: string, seq: number, ms: number | null, times: readonly number[]): ShownRow {
  const sent = seq + 1
  const lost = Math.round(((sent - times.length) / sent) * 100)
  const counts = { sent: String(sent), received: String(times.length), 'packet-loss': String(lost) }
  const average = times.reduce((sum, one) => sum + one, 0) / times.length
  const spread =
    times.length === 0
      ? {}
      : { 'min-rtt': rtt(Math.min(...times)), 'avg-rtt': rtt(average), 'max-rtt': rtt(Math.max(...times)) }
  const answer = ms === null ? { status: 'timeout' } : { size: '56', ttl: '64', time: rtt(ms) }
  return { seq: String(seq), host, ...answer, ...counts, ...spread }
}

/** `12ms345us`, `80us`. */
function rtt(ms: number): string {
  const [whole, micro] = [Math.floor(ms), Math.round((ms % 1) * 1_000)]
  return `${whole === 0 ? '' : `${whole}ms`}${whole > 0 && micro === 0 ? '' : `${micro}us`}`
}
