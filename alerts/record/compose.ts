import { localTime } from '../../system/time/local-time.ts'
import { type IncidentRecord, reportedWord } from '../../protocol/incidents.ts'
import type { DrillResult } from '../../protocol/drill.ts'
import type { NotificationKind } from '../core/state.ts'
import type { Message } from './message.ts'
import { namedRemedy } from './remedies.ts'
import { againText, comesAndGoesText, failingLines, failingTitle } from './failing-ports.ts'
import { isTrouble, namedCause, TROUBLES } from './troubles.ts'

/** Composes the words of a message. Pure; times are by this machine's calendar. */
export function compose(what: NotificationKind, incident: IncidentRecord, at: Date): Message {
  const { id, home } = incident
  return {
    id: `${id}.${what}${what === 'reminder' ? `.${at.toISOString().slice(0, 13).toLowerCase()}` : ''}`,
    kind: what,
    at: at.toISOString(),
    home,
    title: `${home}: ${titleOf(what, incident)}`,
    text: linesOf(what, incident, at).join('\n'),
    incident: { id, cause: incident.cause },
  }
}

export function testMessage(id: string, home: string, end: 'home' | 'hub', at: Date): Message {
  const from = end === 'home' ? `the agent at ${home}` : `the hub, for ${home}`
  return {
    id,
    kind: 'test',
    at: at.toISOString(),
    home,
    title: `${home}: this is a test`,
    text: `A test message from ${from}. Nothing is wrong.`,
    incident: null,
  }
}

/** The words for each way of a drill, after `drill: `. */
const DRILLED: Readonly<Record<DrillResult['way'], string>> = {
  mapping: 'the carrier’s mapping was dropped on purpose',
  heartbeats: 'heartbeats were held back on purpose',
  port: 'the hub’s port was blocked on purpose',
  daemon: 'homeward on the hub was silent on purpose',
}

/** What people are told of one way of a drill: by its first word nobody takes it for an outage. */
export function drillMessage(id: string, home: string, result: DrillResult, end: 'home' | 'hub', at: Date): Message {
  const { way, noticedSeconds, healedSeconds, cause, isRight } = result
  const seconds = (value: number): string => `${Math.round(value * 10) / 10} s`
  const noticed = noticedSeconds === null ? 'Not noticed' : `Noticed after ${seconds(noticedSeconds)}`
  const healed = healedSeconds === null ? 'not healed in its time' : `it carried again after ${seconds(healedSeconds)}`
  const named = cause === null ? 'no cause was named' : `cause named: ${namedCause(cause)}`
  return {
    id,
    kind: 'test',
    at: at.toISOString(),
    home,
    title: `drill: ${home}: ${DRILLED[way]}`,
    text: `${noticed}, ${healed}; ${named}${isRight ? ', which is right' : ', which is not the right one'}.\nA drill, no outage. Sent by ${end === 'home' ? `the agent at ${home}` : 'the hub'}.`,
    incident: null,
  }
}

export function summaryMessage(
  id: string,
  home: string,
  incidents: readonly IncidentRecord[],
  since: Date,
  at: Date,
): Message {
  const outages = incidents.filter(({ scope, drillUntil }) => scope === 'tunnel' && drillUntil === undefined)
  const seconds = outages.map((one) => one.seconds ?? 0)
  const total = seconds.reduce((sum, one) => sum + one, 0)
  const causes = new Map<string, number>()
  for (const { cause } of outages) causes.set(cause, (causes.get(cause) ?? 0) + 1)
  const told = [...causes].sort(([, a], [, b]) => b - a).map(([cause, count]) => `${namedCause(cause)} ${count}×`)
  const text =
    outages.length === 0
      ? `No outage since ${localTime(since)}.`
      : `${count(outages.length, 'outage')} since ${localTime(since)}, ${spanText(total)} in all, the longest ${spanText(Math.max(...seconds))}.\nCauses: ${told.join(', ')}.`
  return { id, kind: 'summary', at: at.toISOString(), home, title: `${home}: summary`, text, incident: null }
}

function titleOf(what: NotificationKind, incident: IncidentRecord): string {
  const title = failingTitle(incident) ?? wordsOf(incident).title
  switch (what) {
    case 'down':
      return title
    case 'reminder':
      return `still: ${title}`
    case 'recovered':
      return `${againText(incident) ?? overOf(incident)} after ${spanText(incident.seconds ?? 0)}`
    case 'unstable':
      return comesAndGoesText(incident) ?? 'the tunnel comes and goes'
    case 'steady':
      return `stable again after ${count(incident.flaps + 1, 'interruption')}`
    default:
      return what satisfies never
  }
}

function linesOf(what: NotificationKind, incident: IncidentRecord, at: Date): readonly string[] {
  const words = wordsOf(incident)
  const published = incident.failing?.[0]?.published ?? 'PORT/tcp'
  const advice = words.advice.replaceAll('HOME', incident.home).replaceAll('PORT/tcp', published)
  const since = `Since ${localTime(new Date(incident.began))}`
  switch (what) {
    case 'down':
      return [
        `${since}. ${words.why} [${reportedWord(incident.cause)}]`,
        ...failingLines(incident),
        ...triedLine(incident),
        advice,
      ]
    case 'reminder': {
      const lasted = spanText((at.getTime() - Date.parse(incident.began)) / 1_000)
      return [
        `${since}, ${lasted} by now. ${words.why} [${reportedWord(incident.cause)}]`,
        ...failingLines(incident),
        ...triedLine(incident),
        advice,
      ]
    }
    case 'unstable':
      return [
        `${since}: one more outage, soon after the last ones. ${words.why} [${reportedWord(incident.cause)}]`,
        ...failingLines(incident),
        'The next message comes when it has been stable for a while.',
        advice,
      ]
    case 'recovered':
    case 'steady': {
      const until = incident.ended === null ? '' : ` to ${localTime(new Date(incident.ended))}`
      return [
        `From ${localTime(new Date(incident.began))}${until}, ${spanText(incident.seconds ?? 0)}. ${causeSentence(incident)} ${words.why}`,
        ...triedLine(incident),
        ...mappingLine(incident),
        `Seen by ${seenBy(incident)}.`,
      ]
    }
    default:
      return what satisfies never
  }
}

function wordsOf({ cause }: IncidentRecord): (typeof TROUBLES)[keyof typeof TROUBLES] {
  return TROUBLES[isTrouble(cause) ? cause : 'unknown']
}

function overOf(incident: IncidentRecord): string {
  const words: { readonly title: string; readonly over?: string } = wordsOf(incident)
  return words.over ?? 'back online'
}

function causeSentence({ cause, causes }: IncidentRecord): string {
  const proven = causes.filter((one) => one.cause !== 'unknown')
  if (proven.length === 0 && cause === 'unknown') return 'Cause unknown.'
  const named = (proven.length === 0 ? [{ cause }] : proven).map((one) => namedCause(one.cause))
  return `Cause: ${named.join(', then ')}.`
}

function triedLine({ tried }: IncidentRecord): readonly string[] {
  if (tried.length === 0) return []
  const each = tried.slice(-6).map(({ remedy, helped }) => `${namedRemedy(remedy)} (${helped ? 'helped' : 'no help'})`)
  return [`Tried: ${each.join(', ')}.`]
}

function mappingLine({ mapping: { before, after } }: IncidentRecord): readonly string[] {
  return before === null || after === null || before === after
    ? []
    : [`The carrier’s mapping: ${before}, now ${after}.`]
}

function seenBy({ views }: IncidentRecord): string {
  return views.home !== null && views.hub !== null ? 'both ends' : views.home === null ? 'the hub' : 'the home'
}

/** A time span for people. */
function spanText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
