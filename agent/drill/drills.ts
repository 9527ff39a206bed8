import type { Alerting } from '../../alerts/alerting.ts'
import { asProblem, Problem } from '../../problems/problem.ts'
import { DRILL_WAYS, type DrillResult, type DrillWay } from '../../protocol/drill.ts'
import { makeInbox } from '../../system/process/inbox.ts'
import type { Log } from '../../system/process/log.ts'
import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Told, Watch } from '../core/state.ts'
import type { NewEvent } from '../memory/events.ts'
import type { Tunnel } from '../tunnel/tunnel.ts'
import { forgetDrill, leftDrill, rememberDrill } from './left-drill.ts'
import { beginMeasuring, isOver, type Measured, noteLook, noteTold, resultOf } from './measure.ts'
import { refuseUnlessWell, refuseWhileInUse, whyNotWell } from './may-drill.ts'
import { secondsOf } from './ways.ts'

/** Breaks this home's own tunnel on purpose, one way after another, and measures what comes of it. */
export interface Drills {
  /**
   * Begins, and goes on by itself.
   * @param by `command`: it ends after the present way when nobody asks how it goes any more.
   * @throws {Problem} `drill-not-now`, `drill-in-use`, and what the hub says against it.
   */
  readonly start: (ways: readonly DrillWay[], by: 'command' | 'schedule') => Promise<void>
  /** How the last drill goes, or went; null: there was none since the agent began. */
  readonly report: () => DrillReport | null
  /** The way that is being tried, and when what it breaks ends. */
  readonly current: () => { readonly way: DrillWay; readonly until: number } | null
  /** Whether what happens now is a drill's doing. */
  readonly isOn: () => boolean
  readonly tell: (action: Told) => void
  /** Ends what an agent before this one left, and then waits for drills until the signal ends it. Never throws. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

/** The answer of `homeward drill --json`. */
export interface DrillReport {
  readonly over: boolean
  readonly ways: readonly WayReport[]
  /** Why it did not try all ways; null: it did, or goes on. */
  readonly problem: { readonly code: string; readonly message: string } | null
}

export interface WayReport extends DrillResult {
  readonly remedies: Measured['remedies']
  /** Whether the tunnel was as before when the way was over. */
  readonly asBefore: boolean
  readonly channels: readonly DrilledChannel[]
}

/** Whether a channel took the message of a way. `problem`: why not; null: it did. */
interface DrilledChannel {
  readonly end: 'home' | 'hub'
  readonly name: string
  readonly kind: string
  readonly problem: string | null
}

export interface DrillsDeps {
  readonly home: string
  readonly stateDir: string
  readonly tunnel: () => Pick<Tunnel, 'look' | 'drill'> | null
  readonly alerting: Pick<Alerting, 'note' | 'testDrill'>
  readonly note: (event: NewEvent) => void
  readonly clock: Clock
  readonly log: Log
}

const LOOK_EVERY_MS = 100
const PREVIEW_MS = 8_000
/** How long a way may take to heal beyond the time for which it is broken. */
const HEAL_MS = 45_000
/** How long the tunnel may take to be as it was, after that. */
const BACK_MS = 90_000
const FREED_EVERY_MS = 3_000
/** How long all must have been well before a way, so that each is measured, and remembered, by itself (alerts/core/rules.ts). */
const CALM_MS = 6_000
/** A mapping that changes so soon after a repair is taken for its effect (agent/core/events.ts). */
const AFTER_REMEDY_MS = 13_000
/** How long a command may be silent before nobody waits for the drill any more. */
const UNATTENDED_MS = 15_000

export function makeDrills(deps: DrillsDeps): Drills {
  const { home, stateDir, alerting, note, clock, log } = deps
  let report: DrillReport | null = null
  let measured: Measured | null = null
  let current: { readonly way: DrillWay; readonly until: number } | null = null
  const wanted = makeInbox<{ readonly ways: readonly DrillWay[]; readonly by: 'command' | 'schedule' }>()
  let askedAt = -Infinity
  let endedAt = -Infinity

  function tunnelNow(): Pick<Tunnel, 'look' | 'drill'> {
    const tunnel = deps.tunnel()
    if (tunnel === null) throw new Problem('drill-not-now', { what: 'a drill', why: 'there is no tunnel' })
    return tunnel
  }

  const watchNow = (): Watch => tunnelNow().look().watch

  /** Waits until it is so. @returns whether it came. */
  async function until(isSo: () => boolean, latest: number, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted && clock.now() < latest) {
      if (isSo()) return true
      await sleep(LOOK_EVERY_MS, signal)
    }
    return isSo()
  }

  /** Leads the tunnel back to its best way. It is asked for again: one round of echoes may be lost, or come too early. */
  async function backToBest(signal: AbortSignal): Promise<boolean> {
    const latest = clock.now() + BACK_MS
    while (!signal.aborted && clock.now() < latest) {
      tunnelNow().drill.freed()
      if (await until(() => whyNotWell(watchNow()) === null, clock.now() + FREED_EVERY_MS, signal)) return true
    }
    return false
  }

  function mark(until: number): void {
    tunnelNow().drill.mark(until)
    alerting.note({ kind: 'drill', home, until })
  }

  async function untilCalm(way: DrillWay, signal: AbortSignal): Promise<void> {
    let wellSince: number | null = null
    const isCalm = (): boolean => {
      const [watch, now] = [watchNow(), clock.now()]
      wellSince = whyNotWell(watch) === null ? (wellSince ?? now) : null
      const isQuiet = way !== 'mapping' || now - watch.remediedAt > AFTER_REMEDY_MS
      return wellSince !== null && now - wellSince >= CALM_MS && isQuiet
    }
    if (await until(isCalm, clock.now() + BACK_MS, signal)) return
    const why = whyNotWell(watchNow()) ?? 'it was not calm for long enough'
    throw new Problem('drill-not-now', { what: `trying ${way}`, why })
  }

  /** One way, from its announcement until the tunnel is as before. @throws {Problem} the hub's own. */
  async function tryWay(way: DrillWay, signal: AbortSignal): Promise<WayReport> {
    const { drill } = tunnelNow()
    await untilCalm(way, signal)
    const seconds = secondsOf(way, watchNow().settings.heartbeatMs)
    // Written down before anything is broken.
    await rememberDrill(stateDir, way, new Date(clock.wall().getTime() + seconds * 1_000))
    const { hasOtherPorts } = await drill.begin(way, seconds, signal)
    const startedAt = clock.now()
    const endsAt = startedAt + seconds * 1_000
    mark(endsAt + HEAL_MS + BACK_MS)
    note({ kind: 'drill', way, to: 'began', noticedSeconds: null, healedSeconds: null, cause: null, isRight: false })
    log.warn({ way, seconds }, 'drill: the tunnel is broken on purpose')
    current = { way, until: endsAt }
    measured = beginMeasuring(way, startedAt)
    if (way === 'heartbeats') drill.holdHeartbeats(seconds * 1_000)
    if (way === 'mapping') {
      await drill.dropMapping(signal)
      measured = beginMeasuring(way, clock.now())
    }
    const seen = (): Measured => {
      measured = noteLook(measured ?? beginMeasuring(way, startedAt), watchNow(), clock.now())
      return measured
    }
    await until(() => isOver(seen(), endsAt, clock.now()), endsAt + HEAL_MS, signal)
    const last = seen()
    const result = resultOf(last, hasOtherPorts)
    const channels = await told(way, result, endsAt, signal)
    const asBefore = await backToBest(signal)
    current = null
    measured = null
    endedAt = clock.now()
    // What comes of its last packets is its doing too.
    mark(endedAt + 2_000)
    await forgetDrill(stateDir)
    note({ kind: 'drill', to: 'ended', ...result })
    log.info({ ...result, asBefore }, 'drill: this way is over')
    return { ...result, remedies: last.remedies, asBefore, channels }
  }

  /** Has both ends tell people. The hub takes back at once what it still blocks. */
  async function told(
    way: DrillWay,
    result: DrillResult,
    endsAt: number,
    signal: AbortSignal,
  ): Promise<readonly DrilledChannel[]> {
    // A hub that answers nothing for now hears nothing either.
    if (way === 'daemon') await until(() => clock.now() > endsAt, endsAt + 1_000, signal)
    const [own, others] = await Promise.all([alerting.testDrill(home, result), endAtHub(result, signal)])
    return [...own.map((one) => ({ end: 'home' as const, ...one })), ...others]
  }

  async function endAtHub(result: DrillResult, signal: AbortSignal): Promise<readonly DrilledChannel[]> {
    try {
      const { channels } = await tunnelNow().drill.end(result, signal)
      return channels.map((one) => ({ end: 'hub' as const, ...one }))
    } catch (thrown) {
      const { message } = asProblem(thrown, 'ending a drill')
      return [{ end: 'hub', name: '', kind: '', problem: message }]
    }
  }

  async function tryAll(ways: readonly DrillWay[], by: 'command' | 'schedule', signal: AbortSignal): Promise<void> {
    const done: WayReport[] = []
    let problem: DrillReport['problem'] = null
    try {
      for (const way of ways) {
        if (signal.aborted) break
        if (by === 'command' && clock.now() - askedAt > UNATTENDED_MS)
          throw new Problem('drill-not-now', { what: `trying ${way}`, why: 'nobody asks how the drill goes any more' })
        done.push(await tryWay(way, signal))
        report = { over: false, ways: [...done], problem: null }
      }
    } catch (thrown) {
      const { code, message } = asProblem(thrown, 'the drill')
      log.warn({ code }, `drill: ${message}`)
      problem = { code, message }
      current = null
      measured = null
      mark(clock.now())
      await forgetDrill(stateDir)
    }
    report = { over: true, ways: done, problem }
  }

  /** Ends what an agent before this one left behind: most of it ended with that, or by itself. */
  async function endLeft(signal: AbortSignal): Promise<void> {
    const left = await leftDrill(stateDir, clock.wall())
    if (left === null) return
    mark(clock.now() + left.endsInMs + HEAL_MS + BACK_MS)
    const { way } = left
    note({ kind: 'drill', way, to: 'cut-off', noticedSeconds: null, healedSeconds: null, cause: null, isRight: false })
    log.warn({ way }, 'drill: the agent was ended in the middle of it; what it broke ends by itself')
    await sleep(left.endsInMs, signal)
    const isUp = (): boolean => watchNow().health.kind === 'up'
    await until(isUp, clock.now() + HEAL_MS, signal)
    await backToBest(signal)
    endedAt = clock.now()
    mark(endedAt)
    await forgetDrill(stateDir)
  }

  return {
    start: async (ways, by) => {
      if (report !== null && !report.over)
        throw new Problem('drill-not-now', { what: 'beginning a drill', why: 'there is one already' })
      refuseUnlessWell(watchNow())
      const before = report
      report = { over: false, ways: [], problem: null }
      try {
        // The hub knows by name who uses the tunnel.
        await tunnelNow().drill.preview(ways[0] ?? 'mapping', 1, AbortSignal.timeout(PREVIEW_MS))
        refuseWhileInUse(watchNow(), endedAt, clock.now())
      } catch (thrown) {
        report = before
        throw thrown
      }
      askedAt = clock.now()
      wanted.put({ ways: DRILL_WAYS.filter((way) => ways.includes(way)), by })
    },
    report: () => {
      askedAt = clock.now()
      return report
    },
    current: () => current,
    isOn: () => deps.tunnel()?.drill.isOn() ?? false,
    tell: (action) => {
      if (measured !== null) measured = noteTold(measured, action, clock.now())
    },
    run: async (signal) => {
      await endLeft(signal)
      while (!signal.aborted) {
        for (const { ways, by } of wanted.drain()) await tryAll(ways, by, signal)
        await wanted.wait(Number.MAX_SAFE_INTEGER, signal)
      }
    },
  }
}
