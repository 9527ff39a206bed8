import type { Clock } from '../../system/time/clock.ts'
import type { Home } from '../core/store-document.ts'
import { whyNoVisitors } from '../machine/families.ts'
import type { HeartbeatResponder } from '../presence/heartbeat-responder.ts'
import { outgoingSeen } from '../presence/outgoing-seen.ts'
import type { KeptSources, SourceMeasuring } from './kept-sources.ts'
import type { HomeFacts, SendingFacts } from './proof.ts'
import type { Visitors } from './visitors.ts'

export interface ProofFactsDeps {
  /** Why the hub's machine is not in the desired state; null: it is. */
  readonly machineProblem: () => string | null
  /** null where no daemon runs. */
  readonly heartbeats: Pick<HeartbeatResponder, 'heardSeconds'> | null
  readonly visitors: Pick<Visitors, 'isReady' | 'isSending'>
  readonly measuring: Pick<SourceMeasuring, 'one'>
  readonly sources: Pick<KeptSources, 'whyHidden' | 'whyNotOutgoing'>
  readonly clock: Clock
}

/** Facts about a home for the proofs of what it publishes and sends. */
export function makeProofFacts({ machineProblem, heartbeats, visitors, measuring, sources, clock }: ProofFactsDeps): {
  readonly proof: HomeFacts
  readonly outgoing: SendingFacts
} {
  const ifDaemon = (is: (home: string) => boolean, { name }: Home): boolean | null =>
    heartbeats === null ? null : is(name)
  return {
    proof: (home) => ({
      home,
      hubProblem: async () => machineProblem() ?? (await whyNoVisitors()),
      heardSeconds: () => heartbeats?.heardSeconds(home.address) ?? null,
      isReady: () => ifDaemon(visitors.isReady, home),
      measureSource: async (publication) => {
        await measuring.one(publication)
        return sources.whyHidden(publication)
      },
      clock,
    }),
    outgoing: (home) => ({
      isSending: () => ifDaemon(visitors.isSending, home),
      measure: async (publication) => {
        await measuring.one(publication)
        return sources.whyNotOutgoing(publication)
      },
      seen: outgoingSeen,
      clock,
    }),
  }
}
