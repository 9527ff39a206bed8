import { oneLine } from '../../problems/printable.ts'
import { type IncidentRecord, reportedWord } from '../../protocol/incidents.ts'

const HEADING = [
  'began (UTC)',
  'ended (UTC)',
  'seconds',
  'home',
  'what',
  'causes',
  'times',
  'public address before',
  'public address after',
  'tried',
  'seen by',
  'id',
]

/** Outages as a table that spreadsheets open, for the carrier (RFC 4180). */
export function incidentsCsv(incidents: readonly IncidentRecord[]): string {
  return [HEADING, ...incidents.map(rowOf)].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

function rowOf(incident: IncidentRecord): readonly string[] {
  const { id, home, scope, began, ended, seconds, causes, flaps, mapping, tried, views } = incident
  return [
    moment(began),
    ended === null ? '' : moment(ended),
    seconds === null ? '' : String(seconds),
    home,
    scope,
    causes.map(({ cause }) => reportedWord(cause)).join(' > '),
    String(flaps + 1),
    mapping.before ?? '',
    mapping.after ?? '',
    tried.map(({ remedy, helped }) => `${reportedWord(remedy)} ${helped ? 'helped' : 'did not help'}`).join('; '),
    [...(views.home === null ? [] : ['home']), ...(views.hub === null ? [] : ['hub'])].join('+'),
    id,
  ]
}

/** `2026-11-23 03:12:05`: the format that spreadsheets take for a time. */
function moment(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ')
}

/**
 * A cell, quoted where necessary, also for spreadsheets that separate cells by semicolons; text that one would take for
 * a formula is not one (OWASP, CSV Injection), including the full-width signs that some take for the plain ones.
 */
function cell(text: string): string {
  const line = oneLine(text)
  const safe = /^\s*[=+\-@＝＋－＠]/.test(line) ? `'${line}` : line
  return /[",;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
