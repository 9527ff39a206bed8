import { isDeepStrictEqual } from 'node:util'
import { asProblem, reasonOf } from '../problems/problem.ts'
import { keepLastGood } from '../system/files/last-good.ts'
import type { Log } from '../system/process/log.ts'
import type { End } from './core/trouble.ts'
import { type GivenChannel, givenBy, keepGiven, readGiven, takenFrom, withGiven } from './settings/given-channels.ts'
import { alertsPath, lastGoodAlertsPath, readAlertSettings, readAlertsOrLastGood } from './settings/read-settings.ts'
import { type AlertSettings, NO_ALERTS } from './settings/settings.ts'

/** The settings in force: alerts.yaml as it was last good, and at home what the hub gives. */
export interface LiveSettings {
  readonly current: () => AlertSettings
  /** Whether alerts.yaml, or what it was when it was last good, could be read since this end began. */
  readonly isRead: () => boolean
  readonly isQuiet: (now: Date) => boolean
  /** Takes alerts.yaml again; a bad file leaves the last good one in force. @returns whether it was taken. */
  readonly take: () => Promise<boolean>
  /** Takes the hub's channels. @returns whether they are others. Never throws. */
  readonly give: (list: readonly GivenChannel[]) => Promise<boolean>
  /** What would be in force if alerts.yaml were taken now. @throws {Problem} as `readAlertSettings`. */
  readonly upToDate: () => Promise<AlertSettings>
  /** On the hub: what its homes use too; null: not known yet. */
  readonly givenToHomes: () => readonly GivenChannel[] | null
}

/** Reads them and never fails: wrong settings are reported in the log, and those that were good before them count. */
export async function openSettings(
  { end, configDir, stateDir }: { readonly end: End; readonly configDir: string; readonly stateDir: string },
  log: Log,
): Promise<LiveSettings> {
  const keep = (): Promise<void> => keepLastGood(alertsPath(configDir), lastGoodAlertsPath(stateDir))
  let isRead = true
  let own = await readAlertsOrLastGood(configDir, stateDir).then(
    async ({ settings, notInForce }) => {
      if (notInForce === null) await keep()
      else log.error({ code: 'config-invalid' }, `${notInForce} The last good alerts are in force.`)
      return settings
    },
    (thrown: unknown) => {
      isRead = false
      const { code, message } = asProblem(thrown, 'reading alerts.yaml')
      log.error({ code }, `${message} Its channels are not used.`)
      return NO_ALERTS
    },
  )
  let given = end === 'home' ? await readGiven(stateDir) : []
  let quiet = await quietHoursOf(own)
  const inForce = (written: AlertSettings): AlertSettings => withGiven(written, takenFrom(given))
  let current = inForce(own)
  return {
    current: () => current,
    isRead: () => isRead,
    isQuiet: (now) => quiet(now),
    take: async () => {
      try {
        const taken = await readAlertSettings(configDir)
        quiet = await quietHoursOf(taken)
        own = taken
        current = inForce(own)
        isRead = true
        await keep()
        log.info({ channels: Object.keys(current.channels) }, 'took the new alerts.yaml')
        return true
      } catch (thrown) {
        const { code, message } = asProblem(thrown, 'reading alerts.yaml')
        log.error({ code }, `${message} The last good alerts stay in force.`)
        return false
      }
    },
    give: async (list) => {
      if (isDeepStrictEqual(list, given)) return false
      given = list
      current = inForce(own)
      log.info({ channels: list.map(({ name }) => name) }, 'the hub gives this home other channels')
      await keepGiven(stateDir, list).catch((thrown: unknown) =>
        log.warn({ why: reasonOf(thrown) }, 'the channels that the hub gives could not be written down'),
      )
      return true
    },
    upToDate: async () => inForce(await readAlertSettings(configDir)),
    givenToHomes: () => (isRead ? givenBy(own) : null),
  }
}

async function quietHoursOf({ quietHours }: AlertSettings): Promise<(now: Date) => boolean> {
  if (quietHours === null) return () => false
  const { makeQuietHours } = await import('./delivery/quiet-hours.ts')
  return makeQuietHours(quietHours)
}
