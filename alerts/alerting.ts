import { reasonOf } from '../problems/problem.ts'
import type { IncidentAnswer, IncidentRecord, IncidentReport } from '../protocol/incidents.ts'
import type { DrillResult } from '../protocol/drill.ts'
import { branchSignal } from '../system/time/branch-signal.ts'
import { type Calendar, makeCalendar } from '../system/time/calendar.ts'
import type { Clock } from '../system/time/clock.ts'
import { watchFile } from '../system/files/file-watch.ts'
import type { Log } from '../system/process/log.ts'
import { sleep } from '../system/time/sleep.ts'
import type { Snapshot } from './transport/channel.ts'
import { compose, drillMessage } from './record/compose.ts'
import { nextIncidents, openIncidents } from './core/rules.ts'
import { untold } from './core/exchange.ts'
import { type Incident, troubleOf } from './core/incident.ts'
import type { Notice } from './core/notices.ts'
import { counterpart } from './core/merge.ts'
import type { IncidentAction, IncidentEvent } from './core/state.ts'
import type { End, Scope, Trouble } from './core/trouble.ts'
import { type ChannelStatus, type Courier, makeCourier } from './delivery/courier.ts'
import { openIncidentLog } from './record/incident-log.ts'
import type { Message } from './record/message.ts'
import { openNotices } from './delivery/notices.ts'
import { openOutbox } from './delivery/outbox.ts'
import { sendSummaries } from './delivery/summaries.ts'
import { openSettings } from './live-settings.ts'
import type { GivenChannel } from './settings/given-channels.ts'
import { alertsPath, incidentSettings, takes } from './settings/read-settings.ts'
import { fromRecord, toRecord } from './record/record.ts'
import { renamedChannels } from './settings/renamed-channels.ts'
import { isUnfinished, recentIncidents } from './recent-incidents.ts'
import { openRetained } from './transport/retained.ts'
import type { Subject } from './settings/settings.ts'
import { makeTakeBack } from './delivery/take-back.ts'
import { newId } from './incident-id.ts'
import { momentToTell } from './moment-to-tell.ts'
import { type ChannelTest, type ComposeTest, testChannels } from './channels/test-channels.ts'

/** The alarm of one end: takes signs of trouble, keeps the incidents, tells people. */
export interface Alerting {
  /** @param about default: all of the scope. */
  readonly sign: (home: string, scope: Scope, trouble: Trouble, since: number, about?: About) => void
  readonly passing: (home: string, trouble: Trouble) => void
  readonly note: (
    event: Extract<IncidentEvent, { kind: 'well' | 'dropped' | 'tried' | 'moved' | 'homes' | 'drill' }>,
  ) => void
  /** The open incidents of a scope that has several subjects. */
  readonly openOf: (scope: Scope) => readonly (Pick<Incident, 'home'> & About)[]
  /** On the hub: tells its owner what a home did, bundled. */
  readonly tell: (home: string, notices: readonly Notice[]) => void
  /** On the hub: takes a home's report, and answers it. Who has the right to notify is on disk by then. */
  readonly take: (home: string, report: IncidentReport) => Promise<IncidentAnswer>
  /** The newest incident of the tunnel, of this home or of any; null: none is remembered. */
  readonly last: () => IncidentRecord | null
  /** The newest outages of the tunnels, the newest first; a few. */
  readonly recent: () => readonly IncidentRecord[]
  /** Number of incidents of each cause since this end runs. */
  readonly counts: () => ReadonlyMap<string, number>
  readonly channels: () => readonly ChannelStatus[]
  /** Tells at once everyone who is told of the state: it has changed. */
  readonly changed: () => void
  /**
   * Sends a marked test by these channels, now, as alerts.yaml has them by now.
   * @throws {Problem} `channel-missing`, and as `readAlertSettings`.
   */
  readonly test: (channel: string | null) => Promise<readonly ChannelTest[]>
  /** Tells by every channel, now, how one way of a home's drill went, and says which of them took it. Never throws. */
  readonly testDrill: (home: string, result: DrillResult) => Promise<readonly ChannelTest[]>
  /** On the hub: the channels that its homes use too; null: alerts.yaml could not be read yet. */
  readonly givenToHomes: () => readonly GivenChannel[] | null
  /** At home: takes the channels that the hub gives. Never throws. */
  readonly give: (list: readonly GivenChannel[]) => Promise<void>
  readonly run: (signal: AbortSignal) => Promise<void>
}

/** What of its scope an incident is about. */
interface About extends Pick<Incident, 'failing'> {
  readonly subject: string
}

export interface AlertingDeps {
  readonly end: End
  /** The name of the machine that a summary is about. */
  readonly name: () => string
  readonly configDir: string
  readonly stateDir: string
  readonly snapshot: () => Promise<Snapshot>
  /** At home: asks the hub; null when the hub is not reached. Never throws. */
  readonly exchange?: (report: IncidentReport) => Promise<IncidentAnswer | 'no-view' | null>
  readonly clock: Clock
  readonly log: Log
}

const TICK_MS = 1_000
/** As many outages as fit into a status. */
const MOST_RECENT = 5

/** Opens the alarm and never fails: unreadable memory and wrong settings are reported in the log. */
export async function openAlerting(deps: AlertingDeps): Promise<Alerting> {
  const { end, configDir, stateDir, clock, log } = deps
  const calendar = makeCalendar(clock)
  const incidentLog = openIncidentLog(stateDir, end)
  const outbox = await openOutbox(stateDir, log)
  const notices = await openNotices({ stateDir, send: (one) => send(one, 'security'), sent: outbox.saved, clock, log })
  const retained = await openRetained(stateDir, log)
  const settingsFile = await watchFile(alertsPath(configDir))
  const live = await openSettings(deps, log)
  let settings = live.current()
  /** Whether the hub gave other channels than those in use. */
  let isGivenNew = false
  // A mistake in the file is no reason to clear what Home Assistant shows.
  const channelsKnown = () => (live.isRead() ? Object.values(settings.channels) : null)
  const takeBack = makeTakeBack({ retained, channels: channelsKnown, clock, log })
  const remembered = await recentIncidents(stateDir, clock, log)
  const outages = remembered.filter(({ scope, drillUntil }) => scope === 'tunnel' && drillUntil === undefined)
  let last: IncidentRecord | null = outages.at(-1) ?? null
  let recent = outages.slice(-MOST_RECENT)
  const counts = new Map<string, number>()
  let state = openIncidents(
    incidentSettings(end, settings),
    remembered.filter((one) => isUnfinished(one, end)).map((one) => fromRecord(one, momentOf(clock))),
    clock.now(),
  )
  let courier: Courier = startCourier()

  function startCourier(): Courier {
    const { channels } = settings
    const isQuiet = (): boolean => live.isQuiet(clock.wall())
    return makeCourier({ end, channels, outbox, retained, snapshot: deps.snapshot, isQuiet, clock, log })
  }

  function note(event: IncidentEvent): void {
    const [after, acts] = nextIncidents(state, event, clock.now())
    state = after
    // Channels that show all homes show these at once.
    if (event.kind === 'homes') courier.wake()
    for (const act of acts) {
      try {
        execute(act)
      } catch (thrown) {
        // The other acts still run.
        log.error({ act: act.kind, why: reasonOf(thrown) }, 'an act of the alarm failed')
      }
    }
  }

  function execute(act: IncidentAction): void {
    switch (act.kind) {
      case 'write': {
        const record = recordOf(act.incident, calendar, clock)
        // What was done on purpose is no outage.
        const isOutage = record.scope === 'tunnel' && record.drillUntil === undefined
        if (isOutage && (last === null || record.began >= last.began || record.alias === last.id)) last = record
        if (isOutage)
          recent = [...recent.filter(({ id }) => id !== record.id && id !== record.alias), record].slice(-MOST_RECENT)
        void incidentLog.write(record).then((lost) => {
          if (lost !== null) log.warn({ why: lost }, 'an incident could not be written down')
        })
        return
      }
      case 'say': {
        const record = recordOf(act.incident, calendar, clock)
        const message = compose(act.what, record, momentToTell(act, calendar, clock))
        log.warn({ id: message.id, cause: record.cause }, message.title)
        return send(message, 'outages')
      }
      case 'over': {
        if (act.incident.drillUntil !== null) return
        const cause = troubleOf(act.incident)
        counts.set(cause, (counts.get(cause) ?? 0) + 1)
        return
      }
      case 'exchange':
        void exchange(act.incidents, act.claims)
        return
      default:
        act satisfies never
    }
  }

  function send(message: Message, subject: Subject): void {
    const told = Object.entries(settings.channels).filter(([, channel]) => takes(channel, subject))
    outbox.put(
      message,
      told.map(([name]) => name),
    )
    courier.wake()
  }

  async function exchange(incidents: readonly Incident[], claims: readonly string[]): Promise<void> {
    const asked = incidents.map(({ id }) => id)
    const answer = await deps.exchange?.({
      now: clock.wall().toISOString(),
      incidents: incidents.map((incident) => recordOf(incident, calendar, clock)),
      claims: [...claims],
      canSpeak: state.settings.canSpeak,
    })
    if (answer === null || answer === undefined) return note({ kind: 'exchanged', asked, answer: null })
    if (answer === 'no-view') return note({ kind: 'exchanged', asked, answer: { incidents: [], others: [] } })
    const moment = { wall: Date.parse(answer.now), now: clock.now() }
    note({
      kind: 'exchanged',
      asked,
      answer: {
        incidents: answer.incidents.map(({ was, incident }) => ({ was, incident: fromRecord(incident, moment) })),
        others: answer.others.map((one) => fromRecord(one, moment)),
      },
    })
  }

  async function watchSettings(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // Cleared before anything is published: the broker may be the same one by another name.
      await takeBack.attempt(signal)
      const cut = branchSignal(signal)
      const sendSummary = (message: Message): void => send(message, 'summary')
      const summaries = sendSummaries(
        settings.summary,
        { stateDir, name: deps.name, send: sendSummary, clock },
        cut.signal,
      )
      const delivering = Promise.all([courier.run(cut.signal), summaries])
      for await (const change of settingsFile.looks(signal)) {
        const isFileNew = change !== 'same' && change !== 'missing' && (await live.take())
        if (isFileNew || isGivenNew) break
        // Cleared as above: after that everything is published again.
        if (takeBack.isDue() && (await takeBack.attempt(signal))) break
      }
      use()
      cut.end()
      await delivering
      if (!signal.aborted) courier = startCourier()
    }
  }

  /** Goes by the settings in force from now on. */
  function use(): void {
    isGivenNew = false
    const before = settings
    settings = live.current()
    if (settings === before) return
    for (const [name, now] of renamedChannels(before.channels, settings.channels)) outbox.rename(name, now)
    note({ kind: 'configured', settings: incidentSettings(end, settings) })
  }

  return {
    sign: (home, scope, trouble, since, about) =>
      note({ kind: 'sign', id: newId(home, scope, end, calendar.at(since)), home, scope, trouble, since, ...about }),
    passing: (home, trouble) => note({ kind: 'passing', id: newId(home, 'tunnel', end, clock.wall()), home, trouble }),
    note,
    openOf: (scope) =>
      state.incidents.flatMap(({ home, scope: own, subject, failing, ended }) =>
        own === scope && subject !== null && ended === null ? [{ home, subject, failing }] : [],
      ),
    tell: notices.tell,
    take: async (home, report) => {
      const now = clock.now()
      const moment = { wall: Date.parse(report.now), now }
      // Whatever the report says, a home speaks only of itself.
      const incidents = report.incidents.map((one) => ({ ...fromRecord(one, moment), home }))
      const others = untold(state, home)
      note({ kind: 'reported', home, incidents, claims: report.claims, canSpeak: report.canSpeak })
      await incidentLog.settled()
      const answers = incidents.flatMap((one) => {
        const incident = counterpart(state.incidents, one)
        return incident === null ? [] : [{ was: one.id, incident: recordOf(incident, calendar, clock) }]
      })
      return {
        now: clock.wall().toISOString(),
        incidents: answers,
        others: others.map((one) => recordOf(one, calendar, clock)),
      }
    },
    last: () => last,
    recent: () => recent.toReversed(),
    counts: () => counts,
    channels: () => courier.status(),
    changed: () => courier.wake(),
    // A channel that was added a moment ago is in the file, and the watch has not seen it yet.
    test: async (channel) => testChannels(await live.upToDate(), channel, await deps.snapshot()),
    testDrill: async (home, result) => {
      try {
        const compose: ComposeTest = (id, _name, end, at) => drillMessage(id, home, result, end, at)
        return await testChannels(await live.upToDate(), null, await deps.snapshot(), compose)
      } catch (thrown) {
        const problem = reasonOf(thrown)
        log.warn({ why: problem }, 'a drill could not be told')
        return [{ name: 'alerts.yaml', kind: 'none', problem }]
      }
    },
    givenToHomes: live.givenToHomes,
    give: async (list) => {
      if (!(await live.give(list))) return
      isGivenNew = true
      void settingsFile.recheck()
    },
    run: async (signal) => {
      const ticking = async (): Promise<void> => {
        while (!signal.aborted) {
          note({ kind: 'tick' })
          notices.look()
          await sleep(TICK_MS, signal)
        }
      }
      await Promise.all([ticking(), watchSettings(signal)])
      await notices.saved()
      await outbox.saved()
      await incidentLog.settled()
    },
  }
}

function recordOf(incident: Incident, calendar: Calendar, clock: Clock): IncidentRecord {
  return toRecord(incident, calendar.at, clock.now())
}

function momentOf(clock: Clock): { readonly wall: number; readonly now: number } {
  return { wall: clock.wall().getTime(), now: clock.now() }
}
