import type { Incident } from './incident.ts'

/** How far apart the two ends of a broken line may notice its begin, and its end. */
const TOLERANCE_MS = 30_000

/** The hub's incident that the home reports; null when the hub has seen nothing of it. */
export function counterpart(incidents: readonly Incident[], reported: Incident): Incident | null {
  const same = incidents.filter(
    ({ home, scope, subject }) => home === reported.home && scope === reported.scope && subject === reported.subject,
  )
  return (
    same.find(({ id, alias }) => id === reported.id || alias === reported.id) ??
    // One view of the hub stands for one of the home, the first that fits: the others stay separate.
    same.find((one) => one.views.home === null && overlap(one, reported)) ??
    null
  )
}

/**
 * The hub's incident with what the home reports of it. The home knows more of the reason, and each end knows what it
 * has said itself. Once people were told, the incident's id stays; else it is the home's.
 */
export function merged(own: Incident | null, reported: Incident): Incident {
  const home = { began: reported.began, ended: reported.ended }
  // Whether the home had somebody to tell says nothing of the hub.
  if (own === null) return { ...reported, silenced: false, views: { home, hub: null } }
  const { views, said } = own
  const isSaid = said.down !== null
  const isOverNow = reported.ended !== null && views.hub !== null && views.hub.ended === null
  const hub = isOverNow ? { ...views.hub, ended: own.wellSince ?? reported.ended } : views.hub
  return {
    ...reported,
    id: isSaid ? own.id : reported.id,
    alias: isSaid ? reported.id : own.id === reported.id ? own.alias : own.id,
    began: Math.min(own.began, reported.began),
    // An incident that was told to be over is not opened again by an old report.
    ended: said.recovered !== null ? own.ended : reported.ended,
    wellSince: own.wellSince,
    silenced: own.silenced,
    // A home cannot make what the hub saw by itself a drill.
    drillUntil: own.drillUntil,
    isWritten: true,
    causes: reported.causes.some(({ trouble }) => trouble !== 'unknown') ? reported.causes : own.causes,
    views: { home, hub },
    said: {
      down: said.down ?? reported.said.down,
      recovered: said.recovered ?? reported.said.recovered,
      remindedAt: said.remindedAt,
    },
  }
}

/** The home's incident with what the hub answered of it. */
export function answered(own: Incident, fromHub: Incident): Incident {
  const { said } = own
  return {
    ...own,
    id: fromHub.id,
    alias: fromHub.id === own.id ? own.alias : own.id,
    views: { home: own.views.home, hub: fromHub.views.hub },
    said: {
      down: said.down ?? fromHub.said.down,
      recovered: said.recovered ?? fromHub.said.recovered,
      remindedAt: said.remindedAt,
    },
  }
}

function overlap(a: Incident, b: Incident): boolean {
  const endOf = ({ ended }: Incident): number => ended ?? Infinity
  return a.began <= endOf(b) + TOLERANCE_MS && b.began <= endOf(a) + TOLERANCE_MS
}
