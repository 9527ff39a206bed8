import { causeOf } from './evidence/health.ts'
import type { Watch } from './state.ts'

/** A home that its hub does not know: removed there, or the hub's state was restored from a backup made before the join. */
export function isUnknownAtHub({ health }: Pick<Watch, 'health'>): boolean {
  return causeOf(health) === 'home-unknown'
}

/** How the owner joins such a home again. @param home its name; in capitals where it is not known. */
export function howToJoinAgain(home = 'HOME'): string {
  return `on the hub: homeward hub invite ${home}; then here: sudo homeward join --again TOKEN`
}
