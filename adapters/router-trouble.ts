import type { ProblemCode } from '../problems/catalogue.ts'

/**
 * Why a router that a tunnel ends on could not be looked at. Each is shown in its own words: a router that refuses a
 * login answers very well, and one that is busy needs nothing but time.
 */
export type RouterTrouble =
  /** Nothing comes back, or not in time. */
  | 'router-silent'
  | 'router-login-refused'
  /** This machine cannot read what it logs in with: the router was not even asked. */
  | 'router-login-unreadable'
  | 'router-rights-missing'
  /** Another certificate or host key than the pinned one, or none. */
  | 'router-identity-changed'
  /** Somebody is at work on it, and it, or homeward, waits for them. */
  | 'router-busy'
  /** A change was cut off, and could not be taken back yet. */
  | 'router-change-cut-off'
  /** It answers, but not as foreseen. */
  | 'router-refusing'

const TROUBLES: Readonly<Partial<Record<ProblemCode, RouterTrouble>>> = {
  'router-unreachable': 'router-silent',
  'router-timeout': 'router-silent',
  'name-unresolved': 'router-silent',
  // A look that took too long is called off here.
  interrupted: 'router-silent',
  'router-login-refused': 'router-login-refused',
  'config-invalid': 'router-login-unreadable',
  'config-unreadable': 'router-login-unreadable',
  'secret-exposed': 'router-login-unreadable',
  'router-rights-missing': 'router-rights-missing',
  'router-certificate-mismatch': 'router-identity-changed',
  'router-certificate-missing': 'router-identity-changed',
  'router-host-key-mismatch': 'router-identity-changed',
  'router-changes-pending': 'router-busy',
  'router-apply-unconfirmed': 'router-busy',
  'router-busy': 'router-busy',
  'router-change-cut-off': 'router-change-cut-off',
  'router-refused': 'router-refusing',
  'router-version-unsupported': 'router-refusing',
}

/** The trouble of a router that a look failed with; null for failures that say nothing of the router. */
export function routerTroubleOf(code: ProblemCode): RouterTrouble | null {
  return TROUBLES[code] ?? null
}
