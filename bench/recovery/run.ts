import { sleep } from '../../system/time/sleep.ts'
import type { Host } from '../../test/lab/host/host.ts'
import { longestGap } from './answers.ts'
import { BARE } from '../bare-wireguard.ts'
import { monotonicSeconds, startPinger } from '../pinger.ts'
import type { Broken, Fault } from './fault.ts'
import {
  HOME_INSIDE,
  HUB_INSIDE,
  isLargePageLoaded,
  mendBare,
  randomPhaseMs,
  untilHealthy,
  type World,
} from './world.ts'

/** How one fault went once. Seconds; null: not within the longest wait. */
export interface Run {
  readonly seconds: number | null
  /** Undefined when it was not measured. */
  readonly plainSeconds: number | null | undefined
  /** From the end of the fault, where something should come then. */
  readonly afterwardsSeconds: number | null | undefined
  /** As the agent wrote them down, `cause → remedy` where it tried one; `put back` where it found its plan violated. */
  readonly causes: readonly string[]
  /** What the agent said since the fault; empty when it recovered in time. */
  readonly why: string
}

export interface RunOptions {
  readonly reachSeconds: number
  readonly withPlain: boolean
  readonly inUse: boolean
}

export const LONGEST_SECONDS = 60
export const LONGEST_PLAIN_SECONDS = 40
/** In use, an answer may be followed by another gap. */
const STREAM_AFTER_MS = 2_000
/** Two heartbeats, and the second in which the hub looks. */
const NAMED_MS = 12_000
/** Long enough for the heartbeats to have followed the use. */
const STREAM_BEFORE_MS = 6_000

export async function runOnce(
  world: World,
  fault: Fault,
  { reachSeconds, withPlain, inUse }: RunOptions,
): Promise<Run> {
  const { picture, pi, agent } = world
  const withBare = withPlain && fault.breaksBare
  if (withBare) await mendBare(world)
  const stream = inUse ? startPinger(picture.phone, [picture.home.lan.camera]) : undefined
  try {
    await untilHealthy(world, { isIdle: !inUse })
    const known = (await eventsOf(pi)).length
    await sleep((inUse ? STREAM_BEFORE_MS : 0) + randomPhaseMs())
    const said = agent.stdout.length
    const began = monotonicSeconds()
    const broken = await fault.break(world, { withBare })
    const since = broken.since ?? began
    const brokenAt = monotonicSeconds()

    const ours = async (): Promise<number | null> => {
      if (stream === undefined) return await secondsUntilProven(world, fault, broken, { since, brokenAt })
      const answer = await stream.firstAnswer(picture.home.lan.camera, brokenAt, LONGEST_SECONDS * 1_000)
      if (answer === undefined) return null
      await sleep(STREAM_AFTER_MS)
      return longestGap(stream.answers, began)
    }
    const [seconds, plainSeconds] = await Promise.all([
      ours(),
      withBare ? secondsUntilPlainProven(world, fault, { since, brokenAt }) : undefined,
    ])
    const why = seconds === null || seconds > reachSeconds ? await excuse(world, agent.stdout.slice(said)) : ''
    await broken.undo()
    const afterwardsSeconds =
      fault.afterwards === undefined
        ? undefined
        : seconds === null
          ? null
          : await secondsUntil(() => fault.afterwards?.isBack(world) ?? true, monotonicSeconds(), 120)
    const causes = await causesSince(pi, known, fault)
    return { seconds, plainSeconds, afterwardsSeconds, causes, why }
  } finally {
    await stream?.stop()
  }
}

interface Moments {
  readonly since: number
  readonly brokenAt: number
}

async function secondsUntilProven(
  world: World,
  { proof }: Fault,
  broken: Broken,
  { since, brokenAt }: Moments,
): Promise<number | null> {
  const left = LONGEST_SECONDS
  const proven =
    proof === 'large page'
      ? await secondsUntil(() => isLargePageLoaded(world, 'tunnel'), since, left)
      : await secondsUntilAnswered(
          proof === 'hub pings home' ? world.picture.hub : world.pi,
          proof === 'hub pings home' ? HOME_INSIDE : HUB_INSIDE,
          { since, brokenAt },
          left,
        )
  if (proven === null || broken.isBack === undefined) return proven
  const back = await secondsUntil(broken.isBack, since, left)
  return back === null ? null : Math.max(proven, back)
}

async function secondsUntilPlainProven(world: World, { proof }: Fault, moments: Moments): Promise<number | null> {
  if (proof === 'large page')
    return await secondsUntil(() => isLargePageLoaded(world, 'bare'), moments.since, LONGEST_PLAIN_SECONDS)
  const [host, target] = proof === 'hub pings home' ? [world.picture.hub, BARE.home] : [world.pi, BARE.hub]
  return await secondsUntilAnswered(host, target, moments, LONGEST_PLAIN_SECONDS)
}

async function secondsUntilAnswered(
  host: Host,
  target: string,
  { since, brokenAt }: Moments,
  longestSeconds: number,
): Promise<number | null> {
  const pinger = startPinger(host, [target])
  try {
    const answer = await pinger.firstAnswer(target, brokenAt, longestSeconds * 1_000)
    return answer === undefined ? null : answer.receivedAt - since
  } finally {
    await pinger.stop()
  }
}

async function secondsUntil(
  isTrue: () => Promise<boolean> | boolean,
  since: number,
  longestSeconds: number,
): Promise<number | null> {
  const deadline = monotonicSeconds() + longestSeconds
  for (; monotonicSeconds() < deadline; await sleep(50)) if (await isTrue()) return monotonicSeconds() - since
  return null
}

interface NamingEvent {
  readonly kind: string
  readonly cause?: string | null
  readonly remedy?: string
  readonly helped?: boolean
}

async function eventsOf(pi: Host): Promise<readonly NamingEvent[]> {
  const { stdout } = await pi.homeward(['events', '--json'], { allowFailure: true })
  return (JSON.parse(stdout) as { readonly events: readonly NamingEvent[] }).events
}

/** What was written down since; a mapping is known to have changed with a later heartbeat only. */
async function causesSince(pi: Host, known: number, { cause }: Fault): Promise<readonly string[]> {
  for (const deadline = performance.now() + NAMED_MS; ; await sleep(500)) {
    const causes = causesIn((await eventsOf(pi)).slice(known))
    if (isNamed(cause, causes) || performance.now() > deadline) return causes
  }
}

/** @param cause null: it need not be named. */
export function isNamed(cause: string | null, causes: readonly string[]): boolean {
  // What a look found and put back was seen for what it is, though nobody had doubted yet.
  if (cause === 'drift' && causes.includes('put back')) return true
  return cause === null || causes.some((text) => text === cause || text.startsWith(`${cause} → `))
}

/** A remedy that was tried says more than the cause alone. */
function causesIn(events: readonly NamingEvent[]): readonly string[] {
  const tried = events.flatMap(({ cause, remedy, helped }) =>
    remedy === undefined ? [] : [`${cause ?? '?'} → ${remedy}${helped === false ? ' (in vain)' : ''}`],
  )
  const named = events.flatMap(({ cause }) => (cause === undefined || cause === null ? [] : [cause]))
  const bare = named.filter((cause) => !tried.some((text) => text.startsWith(`${cause} → `)))
  const applied = events.some(({ kind }) => kind === 'applied') ? ['put back'] : []
  return [...new Set([...tried, ...bare, ...applied])]
}

async function excuse({ pi }: World, log: string): Promise<string> {
  const status = await pi.homeward(['status', '--json'], { allowFailure: true })
  return `${log.trim().split('\n').slice(-25).join('\n')}\n${status.stdout.replaceAll(/\s+/g, ' ').slice(0, 1500)}`
}
