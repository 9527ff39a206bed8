import type { EchoKey } from '../../protocol/datagrams/echo.ts'
import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { openEchoSocket } from './echo-socket.ts'

export interface BindingLifetime {
  /**
   * The longest silence that a UDP flow of this line survived, together with all shorter ones; 0: not even the shortest.
   * null: nothing is known, since the line or the hub was away.
   */
  readonly lifeSeconds: number | null
}

export interface LifetimeQuestion {
  /** Our IPv4 address inside the tunnel. */
  readonly home: string
  readonly key: EchoKey
  readonly clock: Clock
  /** Silences to try, ascending. The hub holds 16 delayed answers a home at most. */
  readonly silences?: readonly number[]
}

type Outcome = 'survived' | 'died' | 'unknown'

const SILENCES = [15, 30, 45, 60, 90, 120, 180, 240, 300]
const PLAIN_MS = 2_000
/** How late a delayed answer may be. */
const LATE_MS = 5_000
/** Routers give a flow its long life when it has carried both directions for two seconds (nf_conntrack_proto_udp.c). */
const SETTLE_MS = 3_000

/**
 * Measures how long every NAT and firewall on this line keeps a silent UDP flow: one socket for each silence, all at
 * once, so that the measurement takes little longer than the longest silence; where datagrams were lost, twice that.
 */
export async function measureBindingLifetime(
  endpoint: Endpoint,
  { silences = SILENCES, ...question }: LifetimeQuestion,
  signal: AbortSignal,
): Promise<BindingLifetime> {
  const outcomes = new Map<number, Outcome>()
  const measure = async (some: readonly number[]): Promise<void> => {
    await Promise.all(
      some.map(async (seconds) => outcomes.set(seconds, await survives(endpoint, seconds, question, signal))),
    )
  }
  await measure(silences)
  // No NAT forgets a flow sooner than it keeps another of the same kind: a shorter silence that failed lost a datagram.
  const longest = Math.max(...silences.filter((seconds) => outcomes.get(seconds) === 'survived'))
  await measure(silences.filter((seconds) => seconds < longest && outcomes.get(seconds) !== 'survived'))
  return { lifeSeconds: signal.aborted ? null : lifeFrom(silences.map((seconds) => [seconds, outcomes.get(seconds)])) }
}

function lifeFrom(outcomes: readonly (readonly [number, Outcome | undefined])[]): number | null {
  const end = outcomes.findIndex(([, outcome]) => outcome !== 'survived')
  const survived = end === -1 ? outcomes : outcomes.slice(0, end)
  const last = survived.at(-1)
  if (last !== undefined) return last[0]
  return outcomes[0]?.[1] === 'died' ? 0 : null
}

async function survives(
  endpoint: Endpoint,
  seconds: number,
  { home, key, clock }: Omit<LifetimeQuestion, 'silences'>,
  signal: AbortSignal,
): Promise<Outcome> {
  const plain = { timeoutMs: PLAIN_MS }
  const flow = openEchoSocket(endpoint, home, key, clock)
  try {
    if ((await flow.ask(plain, signal)) === null) return 'unknown'
    await sleep(SETTLE_MS, signal)
    if ((await flow.ask(plain, signal)) === null) return 'unknown'
    const silence = { delaySeconds: seconds, timeoutMs: seconds * 1000 + LATE_MS }
    if ((await flow.ask(silence, signal)) !== null) return 'survived'
  } finally {
    flow.close()
  }
  if (signal.aborted) return 'unknown'
  // A line that is away loses answers too, and proves nothing about any NAT.
  const other = openEchoSocket(endpoint, home, key, clock)
  try {
    return (await other.ask(plain, signal)) === null ? 'unknown' : 'died'
  } finally {
    other.close()
  }
}
