import { oneLine, printable } from '../../problems/printable.ts'
import { reasonOf } from '../../problems/problem.ts'
import { backoffMs } from '../../system/time/backoff.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import { within } from '../../system/time/within.ts'
import { type Channel, type Snapshot, Undelivered } from '../transport/channel.ts'
import { localTime } from '../../system/time/local-time.ts'
import type { End } from '../core/trouble.ts'
import type { Message } from '../record/message.ts'
import { openChannel } from '../channels/open-channel.ts'
import type { Outbox } from './outbox.ts'
import type { Retained } from '../transport/retained.ts'
import type { ChannelSettings } from '../settings/settings.ts'

/** Brings messages to every channel, each at its own pace: one that fails delays no other. */
export interface Courier {
  /** Something new is in the outbox, or the state changed. */
  readonly wake: () => void
  readonly status: () => readonly ChannelStatus[]
  /** Delivers until the signal ends it. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface ChannelStatus {
  readonly name: string
  readonly kind: ChannelSettings['kind']
  /** Number of messages that wait. */
  readonly waiting: number
  /** Why the last try failed; null when it did not. Contains no secret. */
  readonly problem: string | null
}

export interface CourierDeps {
  readonly end: End
  readonly channels: Readonly<Record<string, ChannelSettings>>
  readonly outbox: Outbox
  readonly retained: Retained
  readonly snapshot: () => Promise<Snapshot>
  /** Whether nothing is sent now. */
  readonly isQuiet: () => boolean
  readonly clock: Clock
  readonly log: Log
}

const SEND_MS = 20_000
/** The pause between two messages: Telegram takes one message a second and chat. */
const BETWEEN_MS = 1_000
const RETRY = { firstMs: 2_000, ceilingMs: 600_000 } as const
const LOOK_EVERY_MS = 30_000
/** From this delay on, a message says when its event was. */
const LATE_MS = 60_000
/** The least gap between snapshots: a change is told at once, many changes are not told each. */
const PULSE_LEAST_MS = 2_000

export function makeCourier(deps: CourierDeps): Courier {
  const { channels, outbox } = deps
  const runs = Object.entries(channels).map(([name, settings]) => makeRun(name, settings, deps))
  outbox.keep(Object.keys(channels))
  return {
    wake: () => {
      for (const run of runs) run.wake()
    },
    status: () => runs.map((run) => run.status()),
    run: async (signal) => {
      await Promise.all(runs.map((run) => run.run(signal)))
    },
  }
}

type Outcome =
  | { readonly kind: 'taken' }
  /** `retryAfterMs`: the wait that the other end asked for; null: none. */
  | { readonly kind: 'failed'; readonly retryAfterMs: number | null }

function makeRun(name: string, settings: ChannelSettings, deps: CourierDeps) {
  const { end, outbox, retained, snapshot, isQuiet, clock, log } = deps
  let problem: string | null = null
  let wakes: readonly (() => void)[] = []

  /** Makes one try within its time. */
  async function attempt(act: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<Outcome> {
    try {
      await within(SEND_MS, signal, act)
      if (problem !== null) log.info({ channel: name }, 'the channel works again')
      problem = null
      return { kind: 'taken' }
    } catch (thrown) {
      if (signal.aborted) return { kind: 'failed', retryAfterMs: null }
      const why = reasonOf(thrown)
      if (problem === null)
        log.warn({ channel: name, kind: settings.kind, why }, 'a channel does not work; it is tried again')
      problem = why
      return { kind: 'failed', retryAfterMs: thrown instanceof Undelivered ? thrown.retryAfterMs : null }
    }
  }

  async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const early = new AbortController()
    const wake = (): void => early.abort()
    wakes = [...wakes, wake]
    signal.addEventListener('abort', wake)
    await sleep(milliseconds, early.signal)
    signal.removeEventListener('abort', wake)
    wakes = wakes.filter((one) => one !== wake)
  }

  async function deliver(channel: Channel, signal: AbortSignal): Promise<void> {
    const { send } = channel
    if (send === undefined) return
    for (let failures = 0; !signal.aborted; ) {
      const message = isQuiet() ? null : outbox.next(name)
      if (message === null) {
        await pause(LOOK_EVERY_MS, signal)
        continue
      }
      const outcome = await attempt((cut) => send(fitToSend(asSentNow(message, clock.wall())), cut), signal)
      if (outcome.kind === 'taken') {
        failures = 0
        outbox.done(message, name)
        await sleep(BETWEEN_MS, signal)
      } else if (!signal.aborted) {
        failures += 1
        await sleep(Math.max(RETRY.firstMs, outcome.retryAfterMs ?? backoffMs(RETRY, failures)), signal)
      }
    }
  }

  async function beat(channel: Channel, signal: AbortSignal): Promise<void> {
    const { snapshot: tell, snapshotSeconds = 60 } = channel
    if (tell === undefined) return
    while (!signal.aborted) {
      const outcome = await attempt(async (cut) => tell(await snapshot(), cut), signal)
      await sleep(PULSE_LEAST_MS, signal)
      if (outcome.kind === 'taken') await pause(snapshotSeconds * 1_000 - PULSE_LEAST_MS, signal)
      else await sleep(outcome.retryAfterMs ?? Math.min(snapshotSeconds * 1_000, 30_000) - PULSE_LEAST_MS, signal)
    }
  }

  return {
    wake: (): void => {
      for (const wake of wakes) wake()
    },
    status: (): ChannelStatus => ({ name, kind: settings.kind, waiting: outbox.waiting(name), problem }),
    run: async (signal: AbortSignal): Promise<void> => {
      let channel: Channel
      try {
        channel = await openChannel(settings, end, retained)
      } catch (thrown) {
        problem = reasonOf(thrown)
        log.error({ channel: name, kind: settings.kind, why: problem }, 'a channel could not be opened')
        return
      }
      await Promise.all([deliver(channel, signal), beat(channel, signal)])
      await channel.close?.().catch(() => undefined)
    },
  }
}

function asSentNow(message: Message, now: Date): Message {
  const at = new Date(message.at)
  if (now.getTime() - at.getTime() <= LATE_MS) return message
  return { ...message, text: `${message.text}\n(Sent late: this was at ${localTime(at)}.)` }
}

/** A message without control characters in quotations, even one that an older homeward left in the outbox. */
function fitToSend(message: Message): Message {
  return { ...message, title: oneLine(message.title), text: printable(message.text) }
}
