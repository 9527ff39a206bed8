import type { DeviceStatus, HomeStatus, HubStatus } from '../../hub/report/status.ts'
import { localTime } from '../../system/time/local-time.ts'
import { indented, problemText } from '../output.ts'
import { publicationTable } from '../publish/publish-list.ts'
import { ageText, bytesText } from '../text/age.ts'
import { tableWithin } from '../text/table.ts'
import { widthOfReader } from '../text/wrap.ts'
import { type Upgraded, wentBackText } from '../upgrade/went-back.ts'

/** Columns that go first where the terminal is narrow; `--json` has all. */
const LEAST = ['OUT', 'IN', 'REGISTERED', 'HANDSHAKE', 'ADDRESS', 'OF', 'LAN']

export function hubStatusText(
  facts: HubStatus & Upgraded & { readonly version: string; readonly daemon: string },
  width = widthOfReader(),
): string {
  const { hub, alternatePorts, homes, devices, publications, invites, problem, warnings = [], notes } = facts
  return [
    `homeward ${facts.version}, daemon ${facts.daemon}, on ${hub.model ?? 'a machine that does not say what it is'}`,
    `${hub.addresses.join(', ')} port ${hub.port}, also UDP ${alternatePorts.effective.join(', ') || 'on no other port'}`,
    `${hub.interface} ${hub.address} of ${hub.network}, data plane ${hub.dataPlane ?? 'unknown'}`,
    ...notes.map((note) => `note: ${note}`),
    ...(facts.wentBack === undefined ? [] : [`upgrade: ${wentBackText(facts.wentBack, facts.version)}.`]),
    ...warnings.map((warning) => `warning: ${indented(warning, '  ')}`),
    ...(problem === null ? [] : [`problem: ${problemText(problem)}`]),
    '',
    homes.length === 0
      ? 'no homes yet: homeward hub invite HOME'
      : tableWithin(width, [HOME_HEADING, ...homes.map(homeRow)], LEAST),
    ...homes.flatMap(cutsOf),
    ...invites.map(({ home, expiresAt }) => `invited: ${home}, until ${localTime(expiresAt)}`),
    ...(devices.length === 0 ? [] : ['', tableWithin(width, [DEVICE_HEADING, ...devices.map(deviceRow)], LEAST)]),
    ...(publications.length === 0 ? [] : ['', publicationTable(publications)]),
  ].join('\n')
}

const HOME_HEADING = [
  'HOME',
  'ADDRESS',
  'LAN',
  'CONNECTED',
  'SEEN AT',
  'HANDSHAKE',
  'HEARTBEAT',
  'IN',
  'OUT',
  'REGISTERED',
]

function homeRow(home: HomeStatus): string[] {
  return [
    home.name,
    home.address,
    home.lan.join(' ') || '-',
    PRESENCE_TEXT[home.presence],
    seenAt(home),
    ageText(home.lastHandshakeSeconds),
    ageText(home.lastHeartbeatSeconds),
    bytesText(home.rxBytes),
    bytesText(home.txBytes),
    ageText(home.registration?.secondsAgo ?? null),
  ]
}

const PRESENCE_TEXT = { awaited: 'not yet', heard: 'yes', dark: 'no' } as const satisfies Record<
  HomeStatus['presence'],
  string
>

function cutsOf({ name, mapping }: HomeStatus): readonly string[] {
  if (mapping === null || mapping.cutPeriod === null) return []
  return [`${name}: its carrier cuts flows every ${mapping.cutPeriod.hours} h`]
}

/** A home may hold a TLS transport open and be back on UDP already. */
function seenAt({ endpoint, carrier }: HomeStatus): string {
  if (endpoint !== null) return endpoint
  return carrier === null ? '-' : `TCP for ${ageText(carrier.seconds)}`
}

const DEVICE_HEADING = ['DEVICE', 'ADDRESS', 'OF', 'CONNECTED', 'SEEN AT', 'HANDSHAKE', 'IN', 'OUT']

function deviceRow(device: DeviceStatus): string[] {
  return [
    device.name,
    device.address,
    device.home ?? 'the hub',
    device.connected ? 'yes' : 'no',
    device.endpoint ?? '-',
    ageText(device.lastHandshakeSeconds),
    bytesText(device.rxBytes),
    bytesText(device.txBytes),
  ]
}
