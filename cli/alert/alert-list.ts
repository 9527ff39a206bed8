import type { ChannelStatus } from '../../alerts/delivery/courier.ts'
import { alertsPath, readAlertSettings } from '../../alerts/settings/read-settings.ts'
import { readGiven, takenFrom, withGiven } from '../../alerts/settings/given-channels.ts'
import type { AlertSettings, ChannelSettings } from '../../alerts/settings/settings.ts'
import { asProblem } from '../../problems/problem.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printFacts } from '../output.ts'
import { askAgent } from '../side/ask-agent.ts'
import { askRunningHub } from '../side/hub-session.ts'
import { ownRole } from '../side/own-role.ts'
import { table } from '../text/table.ts'

interface ListedChannel {
  readonly name: string
  readonly kind: ChannelSettings['kind']
  /** The host that it goes to, without anything secret. */
  readonly host: string
  /** null: everything that there is for its kind. */
  readonly takes: readonly string[] | null
  /** `hub`: the hub gives it to this home. `everywhere`: this hub gives it to its homes. */
  readonly shared: 'hub' | 'everywhere' | null
  /** Number of messages that wait; null, as for `problem`: homeward does not run, or has not seen the channel yet. */
  readonly waiting: number | null
  /** Why the last try failed; null: it did not. */
  readonly problem: string | null
}

/** `homeward alert list`: the channels of this end, without their secrets. Exit status 2 when one does not work. */
export async function alertList(context: Context): Promise<void> {
  const { channels, everywhere } = await orNoRoot(() => settingsOf(context))
  const running = await runningChannels(context)
  const listed = Object.entries(channels).map(([name, settings]): ListedChannel => {
    const now = running?.find((one) => one.name === name)
    return {
      name,
      kind: settings.kind,
      host: hostOf(settings),
      shared: settings.fromHub === true ? 'hub' : everywhere.includes(name) ? 'everywhere' : null,
      takes: 'takes' in settings ? (settings.takes ?? null) : null,
      waiting: now?.waiting ?? null,
      problem: now?.problem ?? null,
    }
  })
  printFacts(context, { running: running !== null, channels: listed }, (facts) =>
    [
      facts.channels.length === 0
        ? `No channels in ${alertsPath(context.configDir)}. Add one: sudo homeward alert add NAME`
        : table([['CHANNEL', 'KIND', 'GOES TO', 'USED BY', 'TAKES', 'STATE'], ...facts.channels.map(rowOf)]),
      ...(facts.running ? [] : ['homeward does not run here: nothing is sent from this machine.']),
    ].join('\n'),
  )
  if (listed.some(({ problem }) => problem !== null)) process.exitCode = 2
}

/** At home with what the hub gives. */
async function settingsOf(context: Context): Promise<AlertSettings> {
  const own = await readAlertSettings(context.configDir)
  if ((await ownRole(context)) === 'hub') return own
  return { ...withGiven(own, takenFrom(await readGiven(context.stateDir))), everywhere: [] }
}

const USED_BY = { hub: 'this home, by its hub', everywhere: 'the hub and its homes' } as const

function rowOf({ name, kind, host, shared, takes, waiting, problem }: ListedChannel): string[] {
  const held = waiting === null || waiting === 0 ? '' : `${waiting} waiting`
  const state = waiting === null ? 'not used yet' : (problem ?? 'no failure known')
  const usedBy = shared === null ? 'this machine' : USED_BY[shared]
  return [
    name,
    kind,
    host,
    usedBy,
    takes?.join(', ') ?? 'everything',
    [state, held].filter((part) => part !== '').join('; '),
  ]
}

/** The channels as the daemon of this machine uses them; null: none runs. */
async function runningChannels(context: Context): Promise<readonly ChannelStatus[] | null> {
  if ((await ownRole(context)) === 'hub') return await askRunningHub(context, 'alert-channels', null)
  try {
    const { alerts } = (await askAgent(context, 'status')) as { alerts: { channels: readonly ChannelStatus[] } }
    return alerts.channels
  } catch (thrown) {
    if (asProblem(thrown, 'asking the agent').code === 'agent-not-running') return null
    throw thrown
  }
}

function hostOf(settings: ChannelSettings): string {
  switch (settings.kind) {
    case 'mail':
      return settings.host
    case 'homeassistant':
      return new URL(settings.broker).host
    case 'webhook':
    case 'healthchecks':
    case 'uptime-kuma':
      return new URL(settings.url).host
    case 'discord':
    case 'slack':
      return new URL(settings.webhook).host
    default:
      return new URL(settings.server).host
  }
}
