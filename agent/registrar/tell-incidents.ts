import type { Problem } from '../../problems/problem.ts'
import type { IncidentAnswer, IncidentReport } from '../../protocol/incidents.ts'
import { type Registering, registerHome } from './registration.ts'

/** People wait for the alarm, and a registrar that is there answers sooner. */
const ASK_MS = 5_000

/**
 * Tells the hub of incidents by a registration, and asks what it knows of them.
 * @returns `no-view`: it is older and has no word on them; null: it was not reached. Never throws.
 */
export async function tellIncidents(
  registering: Omit<Registering, 'reason'>,
  incidents: IncidentReport,
  failed: (problem: Problem) => void,
  signal: AbortSignal,
): Promise<IncidentAnswer | 'no-view' | null> {
  const asked = { ...registering, reason: 'incident', incidents, timeoutMs: ASK_MS } as const
  const { answer, problem } = await registerHome(asked, signal)
  if (problem !== null) failed(problem)
  return answer === null ? null : (answer.incidents ?? 'no-view')
}
