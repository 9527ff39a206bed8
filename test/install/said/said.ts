import { lineText, type LineFinding } from '../../../agent/ways/line-report.ts'
import { wayLines } from '../../../cli/home/joined-facts.ts'
import { statusText } from '../../../cli/home/status-text.ts'
import { problemText } from '../../../cli/output.ts'
import { culpritOf } from '../../../agent/membership/proof/culprit.ts'
import { explainedNoWay } from '../../../protocol/no-route.ts'
import { Problem } from '../../../problems/problem.ts'
import type { Cause } from '../../../agent/core/evidence/cause.ts'
import type { Note, Status } from '../../../agent/report/status.ts'
import { noWireguard } from '../../../adapters/linux/data-plane.ts'
import { withoutTun } from '../../../adapters/linux/container.ts'
import { forwardingRefused } from '../../../adapters/linux/api.ts'
import { lacksFeature } from '../../../system/process/tool-package.ts'
import { sampleConfig } from '../../agent/sample-config.ts'
import { HOME, PROVIDER, UNKNOWABLE, UNSEEN, VPS } from '../../agent/membership/proof/situations.ts'
import { status } from '../../cli/some-status.ts'
import { saidOfPublishing } from './of-publishing.ts'

/**
 * All that homeward says where docs/troubleshooting.md has a table of messages, by the heading above the table: each made
 * by the code that makes it for people.
 */
export const SAID: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  '`join` says that the hub is unreachable': saidOfNoWay,
  '`join` says what this line lets through': async () => saidOfLine(),
  '`join` reaches the hub but the tunnel is not proven': async () =>
    [...PROVIDER, ...VPS, ...HOME, ...UNKNOWABLE, ...UNSEEN].map(([, , evidence]) => culpritOf(evidence).said),
  '`status` says `repairing`': async () => HEALED.map((cause) => statusOf({ state: 'healing', cause })),
  '`status` is `up`, with a note': async () =>
    Object.keys(NOTES).map((note) => statusOf({ state: 'up', notes: [note as Note] })),
  'The VPS is a container': async () => saidInContainer(),
  'A published port does not answer': saidOfPublishing,
}

async function saidOfNoWay(): Promise<readonly string[]> {
  const said = async (code: string, address: string, families: readonly (4 | 6)[]): Promise<string> => {
    const cause = Object.assign(new Error(`connect ${code} ${address}`), { code, address })
    const problem = new Problem('hub-unreachable', { what: 'asking the hub', why: cause.message, cause })
    const hasRoute = async (outside: string) => families.includes(outside.includes(':') ? 6 : 4)
    return problemText(await explainedNoWay(problem, address, hasRoute))
  }
  return Promise.all([
    said('ENETUNREACH', '203.0.113.10', [6]),
    said('ENETUNREACH', '2001:db8::10', [4]),
    said('ENETUNREACH', '203.0.113.10', []),
    said('EHOSTUNREACH', '203.0.113.10', [4, 6]),
  ])
}

/** Each result that a way may have; those that TLS alone has, or has in other words, stand for it. */
const RESULTS: Readonly<Record<LineFinding['result'], readonly Omit<LineFinding, 'result'>[]>> = {
  passes: [
    { transport: 'udp', endpoint: '203.0.113.10:443' },
    { transport: 'tls', endpoint: '203.0.113.10:51820' },
  ],
  'nothing-back': [{ transport: 'udp', endpoint: '203.0.113.10:51820' }],
  'no-handshake': [
    { transport: 'udp', endpoint: '203.0.113.10:51820' },
    { transport: 'tls', endpoint: '203.0.113.10:51820' },
  ],
  'no-heartbeat': [{ transport: 'udp', endpoint: '203.0.113.10:51820' }],
  'no-route': [{ transport: 'udp', endpoint: '[2001:db8:3::10]:51820' }],
  'not-opened': [{ transport: 'tls', endpoint: '203.0.113.10:51820', why: 'connect ECONNREFUSED 203.0.113.10:51820' }],
  unknown: [{ transport: 'udp', endpoint: '203.0.113.10:51820' }],
}

function saidOfLine(): readonly string[] {
  const findings = Object.entries(RESULTS).flatMap(([result, ways]) =>
    ways.map((way): LineFinding => ({ ...way, result: result as LineFinding['result'] })),
  )
  const two = [{ transport: 'udp', endpoint: '203.0.113.10:51820', result: 'passes' }] as const
  const joined = { config: sampleConfig, provenMs: 1, mapping: null, line: [] }
  const used = [
    { kind: 'tls' } as const,
    { kind: 'udp', endpoint: { address: '203.0.113.10', port: 4500 } } as const,
  ].map((way) => wayLines({ ...joined, way })[0] ?? '')
  return [
    // An endpoint is told with its address where the hub has several.
    ...findings.map((one) => lineText([one], one.result === 'no-route' ? [one, ...two] : [one])),
    ...used,
  ]
}

/** The causes that something can be done against. */
const HEALED = [
  'flow-dead',
  'return-dead',
  'port-blocked',
  'udp-blocked',
  'endpoint-moved',
  'peer-unknown',
  'session-lost',
  'handshake-blocked',
  'handshake-refused',
  'drift',
] as const satisfies readonly Cause[]

const NOTES: Readonly<Record<Note, true>> = {
  'clock-behind': true,
  'hub-daemon-silent': true,
  'registrar-unreachable': true,
  'registrar-refusing': true,
  'router-silent': true,
  'router-login-refused': true,
  'router-login-unreadable': true,
  'router-rights-missing': true,
  'router-identity-changed': true,
  'router-busy': true,
  'router-change-cut-off': true,
  'router-refusing': true,
  'tcp-carrier': true,
  'other-way': true,
  'smaller-mtu': true,
}

/** What status says for people, and beside it for scripts. */
function statusOf(tunnel: Partial<Status['tunnel']>): string {
  const shown: Status = { ...status, tunnel: { ...status.tunnel, ...tunnel } }
  const { cause, notes } = shown.tunnel
  return `${statusText(shown, new Date('2026-11-22T20:04:12Z'), false)}\n${JSON.stringify({ cause, notes })}`
}

function saidInContainer(): readonly string[] {
  const readOnly = Object.assign(new Error("EROFS: read-only file system, open '/proc/sys/net/ipv4/ip_forward'"), {
    code: 'EROFS',
  })
  return [
    noWireguard(withoutTun('ENOENT', 'LXC')),
    noWireguard(withoutTun('EPERM', 'LXC')),
    forwardingRefused(readOnly, '1', 'LXC'),
    lacksFeature('ip', 'BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.'),
    lacksFeature('nft', 'Error: JSON support not compiled-in'),
  ].map((problem) => (problem === null ? '' : problemText(problem)))
}
