import type { Publication } from '../../../protocol/publications.ts'
import { type Moment, newStanding, type Standing } from '../../../hub/proving/standing.ts'
import type { Verdict } from '../../../hub/proving/verdict.ts'

export const PROVEN: Verdict = { kind: 'proven' }
export const REFUSED: Verdict = { kind: 'failing', link: 'service', why: 'nothing listens there' }
export const TAKEN: Verdict = { kind: 'failing', link: 'hub', why: 'table ip nat takes it' }
export const DARK: Verdict = { kind: 'failing', link: 'tunnel', why: 'its tunnel is down' }
export const SILENT: Verdict = { kind: 'silent', why: 'no data came back' }

/** The usual pause of the tests. */
export const EVERY_MS = 300_000
const START = Date.parse('2026-11-30T03:00:00.000Z')

export const isoAt = (seconds: number): string => new Date(START + seconds * 1_000).toISOString()

/** A moment so many seconds after the beginning; with no jitter unless said otherwise. */
export const at = (seconds: number, random = 0.5): Moment => ({ now: seconds * 1_000, at: isoAt(seconds), random })

export const fresh: Standing = newStanding({ now: 0, random: 0 })

export function publication(port: number, more: Partial<Publication> = {}): Publication {
  return {
    protocol: 'tcp',
    port,
    lastPort: port,
    address: '192.168.1.20',
    targetPort: port,
    source: 'hide',
    home: 'cabin',
    addedAt: isoAt(-100),
    ...more,
  }
}
