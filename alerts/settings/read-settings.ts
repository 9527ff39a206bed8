import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { isThere } from '../../system/files/is-there.ts'
import { type Begun, readOrLastGood } from '../../system/files/last-good.ts'
import { readYamlFile } from '../../system/files/yaml-file.ts'
import { ALL_TROUBLES, pendingSecondsOf } from '../record/troubles.ts'
import type { IncidentSettings } from '../core/state.ts'
import type { End, Trouble } from '../core/trouble.ts'
import { type AlertSettings, AlertSettingsSchema, type ChannelSettings, NO_ALERTS, type Subject } from './settings.ts'

export function alertsPath(configDir: string): string {
  return join(configDir, 'alerts.yaml')
}

/**
 * Reads alerts.yaml, checked and defaulted; where there is none, nobody is told anything.
 * @throws {Problem} `secret-exposed`, `config-unreadable`, `config-invalid`, none of which repeats the file's content.
 */
export async function readAlertSettings(configDir: string): Promise<AlertSettings> {
  const path = alertsPath(configDir)
  return (await isThere(path)) ? await readAlertSettingsFile(path) : NO_ALERTS
}

/** What alerts.yaml said when it was last read well. It holds secrets, as that does. */
export function lastGoodAlertsPath(stateDir: string): string {
  return join(stateDir, 'alerts.last-good.yaml')
}

/** Those to begin with: a slip of the pen costs nobody the messages of an outage. @throws {Problem} as above, where none was kept. */
export async function readAlertsOrLastGood(configDir: string, stateDir: string): Promise<Begun<AlertSettings>> {
  const path = alertsPath(configDir)
  return (await isThere(path))
    ? await readOrLastGood(path, lastGoodAlertsPath(stateDir), readAlertSettingsFile)
    : { settings: NO_ALERTS, notInForce: null }
}

/** The same of a file that is there. @throws {Problem} as above. */
export async function readAlertSettingsFile(path: string): Promise<AlertSettings> {
  const seen = await stat(path).catch((thrown: unknown) => {
    throw new Problem('config-unreadable', { what: `reading ${path}`, why: reasonOf(thrown), cause: thrown })
  })
  if ((seen.mode & 0o077) !== 0)
    throw new Problem('secret-exposed', {
      what: `reading ${path}`,
      why: 'it holds secrets, and other users may read it',
      next: `chmod 600 ${path}`,
    })
  const settings = await readYamlFile(path, AlertSettingsSchema, 'secrets')
  const { quietHours, summary } = settings
  if (quietHours === null && summary === null) return settings
  // The parser of cron expressions costs memory, and is loaded only for one.
  const { whyNoSchedule } = await import('../../system/time/schedule.ts')
  const fields = { summary, 'quietHours.from': quietHours?.from ?? null, 'quietHours.until': quietHours?.until ?? null }
  for (const [field, expression] of Object.entries(fields)) {
    const why = expression === null ? null : whyNoSchedule(expression)
    if (why === null) continue
    const expected = `${field}: expected a cron expression such as 0 22 * * * (${why})`
    throw new Problem('config-invalid', { what: `reading ${path}`, why: expected })
  }
  return settings
}

/** The rules that follow from the settings. */
export function incidentSettings(end: End, settings: AlertSettings): IncidentSettings {
  const { showAfterSeconds: given, unstable } = settings
  const secondsOf = (trouble: Trouble): number =>
    typeof given === 'number' ? given : (given[trouble] ?? given['default'] ?? pendingSecondsOf(trouble))
  return {
    end,
    canSpeak: Object.values(settings.channels).some((channel) => takes(channel, 'outages')),
    pendingMs: Object.fromEntries(ALL_TROUBLES.map((one) => [one, secondsOf(one) * 1_000])) as Record<Trouble, number>,
    unstable: {
      outages: unstable.outages,
      withinMs: unstable.withinMinutes * 60_000,
      calmMs: unstable.calmMinutes * 60_000,
    },
  }
}

/** Whether a channel is told of a subject; some only hear that we are alive. */
export function takes(channel: ChannelSettings, subject: Subject): boolean {
  if (channel.kind === 'healthchecks' || channel.kind === 'uptime-kuma') return false
  return channel.takes?.includes(subject) ?? true
}
