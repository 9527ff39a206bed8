import { REMEDIES } from '../../alerts/record/remedies.ts'
import { namedCause, TROUBLES } from '../../alerts/record/troubles.ts'
import type { Note, Status } from '../../agent/report/status.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import { ageText, bytesText } from '../text/age.ts'
import { indented } from '../output.ts'
import { outageText } from '../events/incident-text.ts'
import { localTime } from '../../system/time/local-time.ts'
import { widthOfReader, wrapped } from '../text/wrap.ts'
import { publishedLines } from './published-lines.ts'
import { STATE_NAMES } from '../text/state-names.ts'
import { styled, type Style } from '../text/style.ts'
import { type Upgraded, wentBackText } from '../upgrade/went-back.ts'

/** Some lines for people. Colours only where a person looks: on a terminal, and not against NO_COLOR. */
export function statusText(
  status: Status & Upgraded,
  now = new Date(),
  colours = wantsColours(),
  width = widthOfReader(),
): string {
  const style = (how: Style, text: string): string => (colours ? styled(how, text) : text)
  const { tunnel, mapping, registration } = status
  const { heartbeat } = tunnel
  const lines: readonly (readonly [string, string])[] = [
    [
      'tunnel',
      `${style(STATE_STYLE[tunnel.state], STATE_NAMES[tunnel.state])} since ${sinceText(tunnel.since, now)}${stateHint(status)}`,
    ],
    ...(status.drill === undefined
      ? []
      : [['drill', `${status.drill.way}: broken on purpose until ${localTime(status.drill.until)}`] as const]),
    ...(tunnel.state === 'healing' ? [['why', TROUBLES[tunnel.cause ?? 'unknown'].why] as const] : []),
    ...(typeof tunnel.next === 'string' ? [['next', tunnel.next] as const] : []),
    ['hub', `${hubText(status)}, ${registrarText(status)}`],
    ['heartbeat', heartbeatText(heartbeat)],
    ['handshake', tunnel.lastHandshakeSeconds === null ? 'never' : `${ageText(tunnel.lastHandshakeSeconds)} ago`],
    ['mapping', mappingText(mapping, now)],
    ['checked in', checkedIn(registration, now)],
    ['traffic', `${bytesText(tunnel.rxBytes)} in, ${bytesText(tunnel.txBytes)} out`],
    ['interface', `${tunnel.interface}, ${tunnel.address}, port ${tunnel.listenPort ?? 'none'}, MTU ${tunnel.mtu}`],
    ['router', routerText(status)],
    ...publishedLines(status.published).map((text) => ['published', text] as const),
    ...tunnel.notes.map((note) => ['note', NOTE_TEXT[note]] as const),
    ...status.alerts.channels.flatMap(channelLine),
    ...status.router.warnings.map((warning) => ['warning', indented(warning, '    ')] as const),
    ...(status.wentBack === undefined
      ? []
      : [['upgrade', `${wentBackText(status.wentBack, status.version)}.`] as const]),
    ...(status.recentOutages ?? []).map((one) => ['outage', outageText(one)] as const),
  ]
  const head = `${style('bold', status.home)}  ${style('dim', `homeward ${status.version}`)}`
  return [
    head,
    ...lines.map(([what, text]) => wrapped(`  ${style('dim', what.padEnd(11))}${text}`, width, INDENT)),
  ].join('\n')
}

/** Where a line's text begins. */
const INDENT = 13

/** `2026-11-23 03:12:05 CET (3 min ago)` */
function sinceText(at: string, now: Date): string {
  return `${localTime(at)} (${agoText(at, now)})`
}

function agoText(at: string, now: Date): string {
  return `${ageText(Math.max(0, (now.getTime() - Date.parse(at)) / 1_000))} ago`
}

/** A channel's line, only when it does not work: that it does is no news. */
function channelLine({ name, waiting, problem }: Status['alerts']['channels'][number]) {
  const waits = waiting === 0 ? '' : `, ${waiting} waiting`
  return problem === null ? [] : [['alerts', `${name} does not work: ${problem}${waits}`] as const]
}

const STATE_STYLE = {
  up: 'green',
  starting: 'yellow',
  doubtful: 'yellow',
  healing: 'yellow',
  offline: 'red',
} as const satisfies Record<Status['tunnel']['state'], Style>

function stateHint({ stale, tunnel, hub }: Status): string {
  if (stale === true) return '; the agent is stuck, this is old'
  if (tunnel.state === 'healing') {
    const trying = tunnel.remedy === null ? 'next try soon' : `trying ${REMEDIES[tunnel.remedy]}`
    return `: ${namedCause(tunnel.cause ?? 'unknown')}, ${trying}`
  }
  if (tunnel.state === 'doubtful') return ': heartbeats are not answered'
  if (tunnel.state !== 'offline') return ''
  if (tunnel.cause === 'home-offline') return '; this home’s own line is down'
  if (tunnel.cause === 'hub-down')
    return '; the line works, the hub does not answer at all: the VPS is off, or a firewall there lets nothing in'
  if (tunnel.cause === 'home-unknown')
    return '; the hub does not know this home: it was removed there, or the hub’s state is from an older backup'
  if (tunnel.cause === 'identity-twice') return '; another machine has this home’s key and secret, and takes the tunnel'
  return hub.registrar === 'reachable' || hub.registrar === 'refusing'
    ? '; the hub answers outside the tunnel, so UDP to it fails: on this line, before the VPS or on it: homeward hub status there says whether it is the VPS'
    : '; the hub does not answer outside the tunnel either'
}

function hubText({ hub, tunnel: { endpoint, notes } }: Status): string {
  const [first] = hub.addresses
  // On the TLS transport the interface sends to a port of this machine, which tells nobody anything.
  if (notes.includes('tcp-carrier') && first !== undefined) return `${hostPort(first, hub.port)} over TCP`
  return endpoint ?? hub.addresses.join(', ')
}

function registrarText({ hub, tunnel }: Status): string {
  return tunnel.cause === 'home-unknown'
    ? 'registrar answers that it does not know this home'
    : hub.registrar === 'refusing'
      ? 'registrar answers, but not as it should'
      : `registrar ${hub.registrar}`
}

const NOTE_TEXT = {
  'clock-behind': 'this machine’s clock is behind: the tunnel waits up to a minute for it to be set',
  'hub-daemon-silent':
    'the tunnel works, but homeward on the hub does not answer: see systemctl status homeward-hub there',
  'registrar-unreachable':
    'the hub’s registrar does not answer outside the tunnel: TCP to that port is blocked on this line, before the VPS or on it; homeward hub status there says whether it is the VPS',
  'registrar-refusing':
    'the hub’s registrar refuses what this home says, or answers what this version does not understand: homeward events has its answer',
  'router-silent':
    'the router does not answer this machine: the tunnel still works, but homeward cannot repair the router',
  'router-login-refused':
    'the router answers and refuses the login of this machine: the tunnel still works, but homeward cannot repair the router',
  'router-login-unreadable':
    'this machine cannot read what it logs in to the router with: the tunnel still works, but homeward cannot repair the router. homeward plan says why',
  'router-rights-missing':
    'the router’s user lacks rights that homeward needs: the tunnel still works, but homeward cannot repair the router. homeward plan names them',
  'router-identity-changed':
    'what answers as the router has another certificate or host key than before, and is told nothing: the tunnel still works, but homeward cannot repair the router',
  'router-busy':
    'somebody is working on the router, and homeward waits until they are done: the tunnel still works. homeward plan says more',
  'router-change-cut-off':
    'a change of the router was cut off and could not be taken back yet. The agent tries again; homeward plan says what the router answers',
  'router-refusing':
    'the router answers, but not as homeward expects: the tunnel still works, but homeward cannot repair the router. homeward plan says what it answers',
  'tcp-carrier': 'all UDP is blocked on this line; homeward goes over TCP, which is slower, until UDP works again',
  'other-way': 'the hub’s first port or address does not work on this line; homeward uses another one until it does',
  'smaller-mtu': 'full-size packets get lost on this line; homeward sends smaller ones than configured',
} as const satisfies Record<Note, string>

function heartbeatText(heartbeat: Status['tunnel']['heartbeat']): string {
  if (heartbeat.answeredSecondsAgo === null) return 'none answered yet'
  const loss = heartbeat.lossRatio === 0 ? 'no loss' : `${(heartbeat.lossRatio * 100).toFixed(1)} % lost`
  return `answered ${heartbeat.answeredSecondsAgo} s ago in ${heartbeat.rttMs ?? '?'} ms, ${loss}, every ${heartbeat.intervalSeconds} s (${bytesText(heartbeat.idleBytesPerDay)} a day idle)`
}

function mappingText(mapping: Status['mapping'], now: Date): string {
  if (mapping.address === null || mapping.port === null) return 'not seen by the hub yet'
  const nat = { yes: 'behind NAT', no: 'no NAT in between', unknown: '' }[mapping.carrierNat]
  const cuts = mapping.cutPeriod === null ? '' : `the carrier cuts flows every ${mapping.cutPeriod.hours} h`
  const life = mapping.lifeSeconds === null ? '' : `survives ${mapping.lifeSeconds} s of silence`
  const since = mapping.since === null ? '' : ` since ${sinceText(mapping.since, now)}`
  return [`${hostPort(mapping.address, mapping.port)}${since}`, changed(mapping.changes), nat, life, cuts]
    .filter((part) => part !== '')
    .join(', ')
}

function checkedIn({ at, count }: Status['registration'], now: Date): string {
  if (at === null) return 'not yet'
  return `${agoText(at, now)}${count === 1 ? '' : `, ${count} times since the agent started`}`
}

function changed(count: number): string {
  return count === 0 ? 'never changed' : `changed ${times(count)}`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

function routerText({ router }: Status): string {
  const plane = { kernel: 'WireGuard in the kernel', userspace: 'WireGuard by wireguard-go' }
  const { lastSeen } = router
  const port = typeof lastSeen?.listenPort === 'number' ? `, port ${lastSeen.listenPort}` : ''
  const seen =
    lastSeen === undefined ? '' : `; last looked at ${localTime(lastSeen.at)}: ${SEEN_TEXT[lastSeen.interface]}${port}`
  const words = [router.model ?? router.kind, ...(router.dataPlane === null ? [] : [plane[router.dataPlane]])]
  return `${words.join(', ')}${seen}`
}

const SEEN_TEXT = {
  up: 'the interface was up',
  down: 'the interface was switched off',
  missing: 'the interface was not there',
} as const

function wantsColours(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
}
