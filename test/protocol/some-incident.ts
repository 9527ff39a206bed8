import type { IncidentRecord } from '../../protocol/incidents.ts'

const AT = '2026-11-23T10:00:00.000Z'

/** A tunnel's outage that lasts, as its home reports it. */
export function someIncident(more: Partial<IncidentRecord> = {}): IncidentRecord {
  return {
    id: 'cabin-1',
    alias: null,
    home: 'cabin',
    scope: 'tunnel',
    began: AT,
    ended: null,
    seconds: null,
    cause: 'flow-dead',
    causes: [],
    flaps: 0,
    unstable: false,
    tried: [],
    mapping: { before: null, after: null },
    views: { home: { began: AT, ended: null }, hub: null },
    said: { down: null, recovered: null, reminded: null },
    met: false,
    ...more,
  }
}
