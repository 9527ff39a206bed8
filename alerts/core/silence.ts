import type { Incident } from './incident.ts'

/**
 * Silences an incident that was over before there was anybody to tell: nobody wants to hear of it later.
 * @param speaksSince since when there is somebody; Infinity: there is nobody.
 */
export function silencedWhenUnheard(incident: Incident, speaksSince: number): Incident {
  const { ended, said, silenced } = incident
  const isUnheard = ended !== null && ended < speaksSince && said.down === null
  return isUnheard && !silenced ? { ...incident, silenced: true } : incident
}

/** On the hub: ends an incident whose home is gone. A new home by that name is another, and is not told of it. */
export function laidToRest(incident: Incident, now: number): Incident {
  const { ended, views, silenced, met } = incident
  if (ended !== null && silenced && met) return incident
  const hub = views.hub === null ? null : { ...views.hub, ended: views.hub.ended ?? now }
  return { ...incident, ended: ended ?? now, views: { ...views, hub }, silenced: true, met: true }
}
