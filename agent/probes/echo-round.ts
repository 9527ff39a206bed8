import { isIPv6 } from 'node:net'
import type { HubWord } from '../../protocol/echo.ts'
import { branchSignal } from '../../system/time/branch-signal.ts'
import { sleep } from '../../system/time/sleep.ts'
import { within } from '../../system/time/within.ts'
import { type Endpoint, sameEndpoint } from '../../wireguard/spec.ts'
import type { EchoRound } from '../core/evidence.ts'
import type { SizedRound } from '../core/path-mtu.ts'
import type { EchoAnswer } from './echo-socket.ts'
import { preferredWay } from '../registrar/hub-ways.ts'

/** Asks one way with a socket of its own. Never throws; null when nothing came in time. */
export type AskWay = (
  way: Endpoint,
  options: { readonly bytes?: number; readonly timeoutMs: number },
  signal: AbortSignal,
) => Promise<EchoAnswer | null>

export interface RoundPlan {
  /** Best first. */
  readonly ways: readonly Endpoint[]
  /** The hub's own port. */
  readonly port: number
  readonly current: Endpoint | null
  readonly isCarrier: boolean
  /** Asks the hub's names where they lead now, and what ways that makes; null: no names, or no answer. */
  readonly resolve: (signal: AbortSignal) => Promise<{
    readonly named: readonly string[]
    readonly ways: readonly Endpoint[]
  } | null>
}

/** With repetitions after 250 and 600 ms, that is three packets and a slow line's round trip. */
const ROUND_MS = 1_000

/** RFC 8305, section 5: the second family waits so long for the first. */
const HEAD_START_MS = 250

/** When another way answered: so long the one in use may still do. */
const GRACE_MS = 400

/**
 * One round of fresh sockets, one to each way. It ends when the way in use answered, soon after another one did, or when
 * time is out.
 */
export async function askRound(
  plan: RoundPlan,
  askedAt: number,
  ask: AskWay,
  signal: AbortSignal,
): Promise<{ readonly round: EchoRound; readonly word: HubWord | null }> {
  return await within(ROUND_MS + HEAD_START_MS, signal, (cut) => askAll(plan, askedAt, ask, cut))
}

async function askAll(plan: RoundPlan, askedAt: number, ask: AskWay, signal: AbortSignal) {
  const { signal: all, end } = branchSignal(signal)
  const asked: Endpoint[] = []
  const answers: EchoAnswer[] = []
  let named: readonly string[] | null = null

  async function askOne(way: Endpoint): Promise<void> {
    if (asked.some((one) => sameEndpoint(one, way))) return
    const isRaced = !isIPv6(way.address) && plan.ways.some((one) => isIPv6(one.address))
    asked.push(way)
    // Only to have IPv6's answer first where both do; the way in use is never held back.
    if (isRaced && !sameEndpoint(way, plan.current)) await sleep(HEAD_START_MS, all)
    const answer = await ask(way, { timeoutMs: ROUND_MS }, all)
    if (answer === null) return
    answers.push(answer)
    if (sameEndpoint(way, plan.current)) end()
    else await sleep(GRACE_MS, all).then(() => end())
  }

  async function askNamed(): Promise<void> {
    const found = await plan.resolve(all)
    if (found === null) return
    named = found.named
    await Promise.all(found.ways.map(askOne))
  }

  await Promise.all([...plan.ways.map(askOne), askNamed()])
  end()
  const answered = asked.filter((way) => answers.some((answer) => sameEndpoint(answer.way, way)))
  const round: EchoRound = {
    askedAt,
    current: plan.current,
    isCarrier: plan.isCarrier,
    preferred: preferredWay(waysNow(plan, asked, named), answered, plan.port),
    answered,
    silent: asked.filter((way) => !answered.includes(way)),
    named,
  }
  return { round, word: answers.at(-1)?.word ?? null }
}

/** Where the name leads elsewhere now, that is the first way. */
function waysNow(
  { ways }: RoundPlan,
  asked: readonly Endpoint[],
  named: readonly string[] | null,
): readonly Endpoint[] {
  const there = named === null ? [] : asked.filter((way) => named.includes(way.address))
  return there.length > 0 ? there : ways
}

/** A data packet of this tunnel MTU has this many bytes of UDP payload: 16 of head and 16 of tag (wireguard-behind-nat.md). */
const WIREGUARD_BYTES = 32

/** Which sizes pass on the way in use, there and back, tried by echoes as large as WireGuard's packets would be. */
export async function askSizes(
  way: Endpoint,
  sizes: readonly number[],
  ask: AskWay,
  signal: AbortSignal,
): Promise<SizedRound> {
  const [small, ...answers] = await Promise.all([
    ask(way, { timeoutMs: ROUND_MS }, signal),
    ...sizes.map((size) => ask(way, { bytes: size + WIREGUARD_BYTES, timeoutMs: ROUND_MS }, signal)),
  ])
  return { passed: sizes.filter((_, index) => answers[index] !== null), smallPassed: small !== null }
}
