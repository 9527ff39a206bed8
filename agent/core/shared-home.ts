import type { Cause } from './evidence/cause.ts'

/**
 * What a second machine with the same key looks like: each takes the other's session and endpoint at the hub. A remedy
 * would take them back, and so would the other's, without end; only the hub's owner can say which of the two stays.
 */
export function ofTwoMachines(cause: Cause | null): Cause | null {
  return cause !== null && TAKEN_BY_ANOTHER.includes(cause) ? 'identity-twice' : cause
}

const TAKEN_BY_ANOTHER: readonly Cause[] = [
  'flow-dead',
  'return-dead',
  'session-lost',
  'handshake-blocked',
  'handshake-refused',
]

/** How the owner ends that two machines are one home. @param home its name; in capitals where it is not known. */
export function howToEndSharing(home = 'HOME'): string {
  return `on the hub: sudo homeward hub revoke-other ${home}; then on the machine that stays: sudo homeward join --again TOKEN`
}
