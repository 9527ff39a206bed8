import { Problem } from '../../problems/problem.ts'
import type { Publication } from '../../protocol/publications.ts'
import { forwardedPorts } from '../core/forwarded-ports.ts'
import { type Home, homeNamed } from '../core/store-document.ts'
import type { KeptPortsOf } from '../machine/ports/kept-ports.ts'
import type { Presences } from '../presence/presence.ts'
import type { ProvingDeps } from '../proving/proving.ts'
import { portsToTry } from '../proving/sample.ts'
import type { Store } from '../store/store.ts'
import type { KeptSources } from './kept-sources.ts'
import { type HomeFacts, provePath } from './proof.ts'
import type { WayIn } from './way-in.ts'

export interface QuickCheckDeps {
  /** Facts about a home for the proof. */
  readonly proof: HomeFacts
  readonly store: Pick<Store, 'document'>
  readonly sources: Pick<KeptSources, 'whyHidden'>
  readonly ssh: Pick<KeptPortsOf, 'kept'>
  readonly wayIn: Pick<WayIn, 'tries' | 'takenFrom'>
}

/**
 * The check that the hub makes by itself: a few packets to the service. What a stranger meets, and by which way answers
 * come, was measured by looks of their own, every few minutes for all publications together.
 */
export function makeQuickCheck({ store, sources, ssh, wayIn, proof }: QuickCheckDeps): ProvingDeps['check'] {
  return async (publication, answeredPort) => {
    const home = homeNamed(store.document, publication.home)
    if (home === null)
      throw new Problem('home-missing', { what: 'checking a published port', why: `there is no ${publication.home}` })
    const withheld = forwardedPorts(store.document.publications, ssh.kept()).withheld.get(publication) ?? []
    return await provePath(publication, {
      ...proof(home),
      withheld,
      ports: portsToTry(publication, withheld, answeredPort, Math.random()),
      readyWithinMs: 0,
      measureSource: async (one: Publication) => sources.whyHidden(one),
      // A look that found something in the way is repeated before anybody is told.
      whyTaken: async (port) => (wayIn.takenFrom(publication) === null ? null : wayIn.tries(publication, port)),
    })
  }
}

/** How much of a heartbeat's interval may pass until the next one is late. */
const LATE_AFTER = 1.5

/** Who is heard, for the checks. */
export function provingPresence(
  store: Pick<Store, 'document'>,
  presences: Pick<Presences, 'of' | 'intervalSeconds'>,
): Pick<ProvingDeps, 'heardSeconds' | 'certainSeconds' | 'isDark'> {
  const presenceOf = (name: string): ReturnType<Presences['of']> | null => {
    const home: Home | null = homeNamed(store.document, name)
    return home === null ? null : presences.of(home)
  }
  return {
    heardSeconds: (name) => {
      const presence = presenceOf(name)
      return presence?.kind === 'heard' ? presence.heardSeconds : null
    },
    certainSeconds: (name) => LATE_AFTER * presences.intervalSeconds(name),
    isDark: (name) => presenceOf(name)?.kind === 'dark',
  }
}
