import { openIncidents } from '../../../alerts/core/rules.ts'
import { type Incident, newIncident } from '../../../alerts/core/incident.ts'
import type { IncidentState } from '../../../alerts/core/state.ts'
import type { End, Trouble } from '../../../alerts/core/trouble.ts'
import { settingsOf } from './two-ends.ts'

/** An outage of the cabin’s tunnel since 0, seen at home, unless said otherwise. */
export function someIncident(
  more: Partial<Incident> & { readonly trouble?: Trouble; readonly seenBy?: End } = {},
): Incident {
  const { trouble = 'flow-dead', seenBy = 'home', ...rest } = more
  const { id = 'one', home = 'cabin', scope = 'tunnel', began = 0 } = rest
  return { ...newIncident({ id, home, scope, began, trouble, seenBy }), ...rest }
}

/** Of an end with a channel, which tells what lasts for 30 s. */
export function someDesk(end: End, more: Partial<IncidentState> = {}): IncidentState {
  return { ...openIncidents(settingsOf(end, { showAfterSeconds: 30 }), [], 0), ...more }
}
