import type { ProblemCode } from '../../problems/catalogue.ts'
import type { Problem } from '../../problems/problem.ts'
import type { ErrorAnswer } from '../../protocol/messages.ts'

export type RefusalStatus = 400 | 401 | 403 | 404 | 409 | 410 | 413 | 429 | 500 | 503

export interface Refusal {
  readonly status: RefusalStatus
  readonly body: ErrorAnswer
}

/** The HTTP status of each problem; a problem that is not here is a fault of ours. */
const STATUS: Partial<Record<ProblemCode, RefusalStatus>> = {
  'request-invalid': 400,
  'prefix-invalid': 400,
  'lan-too-many': 400,
  'device-name-invalid': 400,
  'publication-invalid': 400,
  'home-unknown': 401,
  'token-unknown': 403,
  'right-missing': 403,
  'drill-refused': 403,
  'device-missing': 404,
  'channel-missing': 404,
  'publication-missing': 404,
  'home-missing': 404,
  'lan-overlaps': 409,
  'device-exists': 409,
  'port-taken': 409,
  'publication-exists': 409,
  'publications-full': 409,
  'source-not-kept': 409,
  'outgoing-refused': 409,
  'exit-refused': 409,
  'network-full': 409,
  'quota-reached': 409,
  'drill-in-use': 409,
  'drill-not-now': 409,
  'token-expired': 410,
  'token-used': 410,
  'body-too-large': 413,
  'rate-limited': 429,
  'write-failed': 503,
  'carriers-full': 503,
}

/** A problem as the registrar answers it. Why something failed inside the hub is for its log, not for the client. */
export function refusalOf(problem: Problem, status: RefusalStatus = STATUS[problem.code] ?? 500): Refusal {
  const why = status === 500 ? 'the hub could not do it; its log says why' : problem.why
  return { status, body: { error: { code: problem.code, why, next: problem.next } } }
}
