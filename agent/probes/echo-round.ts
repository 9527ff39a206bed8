import { isIPv6 } from 'node:net'
import type { PeerView } from '../../protocol/datagrams/echo.ts'
import { branchSignal } from '../../system/time/branch-signal.ts'
import { sleep } from '../../system/time/sleep.ts'
import { within } from '../../system/time/within.ts'
import { type Endpoint, sameEndpoint } from '../../wireguard/spec.ts'
import type { EchoRound } from '../core/evidence/evidence.ts'
import type { SizedRound } from '../core/evidence/path-mtu.ts'
import type { EchoAnswer } from './echo-socket.ts'
import { preferredEndpoint } from '../registrar/hub-endpoints.ts'

/** Asks one endpoint with a socket of its own. Never throws; null when nothing came in time. */
export type AskEndpoint = (
  endpoint: Endpoint,
  options: { readonly bytes?: number; readonly timeoutMs: number },
  signal: AbortSignal,
) => Promise<EchoAnswer | null>

export interface RoundPlan {
  /** Endpoints to ask, best first. */
  readonly endpoints: readonly Endpoint[]
  /** The hub's own port. */
  readonly port: number
  readonly current: Endpoint | null
  readonly isTransport: boolean
  /** Addresses that are the hub's on better word than a name's: it answered there, or agent.yaml says them itself. */
  readonly trusted: readonly string[]
  /** Resolves the hub's names, and says which endpoints that makes; null: no names, or no answer. */
  readonly resolve: (signal: AbortSignal) => Promise<{
    readonly named: readonly string[]
    readonly endpoints: readonly Endpoint[]
  } | null>
}

/** How long a round may take: with repetitions after 250 and 600 ms, three packets and a slow line's round trip. */
const ROUND_MS = 1_000

/** How long the second address family waits for the first (RFC 8305, section 5). */
const HEAD_START_MS = 250

/** How long the endpoint in use may still answer after another one did. */
const GRACE_MS = 400

/**
 * Asks each endpoint once, by a fresh socket. The round ends when the endpoint in use answered, soon after another one
 * did, or when time is out.
 */
export async function askRound(
  plan: RoundPlan,
  askedAt: number,
  ask: AskEndpoint,
  signal: AbortSignal,
): Promise<{ readonly round: EchoRound; readonly view: PeerView | null }> {
  return await within(ROUND_MS + HEAD_START_MS, signal, (cut) => askAll(plan, askedAt, ask, cut))
}

async function askAll(plan: RoundPlan, askedAt: number, ask: AskEndpoint, signal: AbortSignal) {
  const { signal: all, end } = branchSignal(signal)
  const asked: Endpoint[] = []
  const answers: EchoAnswer[] = []
  let named: readonly string[] | null = null

  async function askOne(endpoint: Endpoint): Promise<void> {
    if (asked.some((one) => sameEndpoint(one, endpoint))) return
    const isRaced = !isIPv6(endpoint.address) && plan.endpoints.some((one) => isIPv6(one.address))
    asked.push(endpoint)
    // The delay only lets IPv6's answer be first where both answer; the endpoint in use is never held back.
    if (isRaced && !sameEndpoint(endpoint, plan.current)) await sleep(HEAD_START_MS, all)
    const answer = await ask(endpoint, { timeoutMs: ROUND_MS }, all)
    if (answer === null) return
    answers.push(answer)
    if (sameEndpoint(endpoint, plan.current)) end()
    else await sleep(GRACE_MS, all).then(() => end())
  }

  async function askNamed(): Promise<void> {
    const found = await plan.resolve(all)
    if (found === null) return
    named = found.named
    await Promise.all(found.endpoints.map(askOne))
  }

  await Promise.all([...plan.endpoints.map(askOne), askNamed()])
  end()
  const answered = asked.filter((endpoint) => answers.some((answer) => sameEndpoint(answer.endpoint, endpoint)))
  const round: EchoRound = {
    askedAt,
    current: plan.current,
    isTransport: plan.isTransport,
    preferred: preferredEndpoint(waysNow(plan, asked, answered, named), answered, plan.port),
    answered,
    silent: asked.filter((endpoint) => !answered.includes(endpoint)),
    named,
  }
  return { round, view: answers.at(-1)?.view ?? null }
}

/**
 * Endpoints at the addresses that the names resolve to now, or else the plan's; the first is the preferred one. An
 * address that only a name says, and where nothing answered, may be somebody else's: the hub's own go before it.
 */
function waysNow(
  { endpoints, trusted }: RoundPlan,
  asked: readonly Endpoint[],
  answered: readonly Endpoint[],
  named: readonly string[] | null,
): readonly Endpoint[] {
  const isHub = ({ address }: Endpoint): boolean =>
    trusted.includes(address) || answered.some((one) => one.address === address)
  const there = named === null ? [] : asked.filter(({ address }) => named.includes(address))
  const found = [there.filter(isHub), endpoints.filter(isHub), there].find((some) => some.length > 0)
  return found ?? endpoints
}

/** UDP payload of a data packet beyond the tunnel's MTU, bytes: 16 of head and 16 of tag (wireguard-behind-nat.md). */
const WIREGUARD_BYTES = 32

/** Tries which sizes reach the endpoint in use and come back, by echoes as large as WireGuard's packets would be. */
export async function askSizes(
  endpoint: Endpoint,
  sizes: readonly number[],
  ask: AskEndpoint,
  signal: AbortSignal,
): Promise<SizedRound> {
  const [small, ...answers] = await Promise.all([
    ask(endpoint, { timeoutMs: ROUND_MS }, signal),
    ...sizes.map((size) => ask(endpoint, { bytes: size + WIREGUARD_BYTES, timeoutMs: ROUND_MS }, signal)),
  ])
  return { passed: sizes.filter((_, index) => answers[index] !== null), smallPassed: small !== null }
}
