import type { Health } from '../../agent/core/evidence/health.ts'

/** Names of the tunnel's states for people; `--json` has the codes. */
export const STATE_NAMES = {
  starting: 'starting',
  up: 'up',
  doubtful: 'unsure',
  healing: 'repairing',
  offline: 'offline',
} as const satisfies Record<Health['kind'], string>

/** The name of a state, which the file of an older or a later version may call differently. */
export function stateName(written: string): string {
  return isState(written) ? STATE_NAMES[written] : written
}

function isState(text: string): text is keyof typeof STATE_NAMES {
  return Object.hasOwn(STATE_NAMES, text)
}
