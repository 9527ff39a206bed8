import type { ConnectionFacts } from '../kernel/kernel.ts'
import type { Jobs } from '../script/jobs.ts'
import { type Model, WIREGUARD } from '../model.ts'
import type { ShownRow } from './shown.ts'
import { idText } from './tables.ts'
import { isAtLeast } from '../version.ts'

/** Menus that tell, and of whose rows nothing can be set. */
export type ReadOnlyMenus = Readonly<Record<string, () => Promise<readonly ShownRow[]>>>

export function readOnlyMenus(model: Model, jobs: Jobs, sessions: () => readonly ShownRow[]): ReadOnlyMenus {
  const { switches, version, kernel } = model
  const isUnset = (): boolean => switches.clock === '1970'
  return {
    '/interface': async () => interfaces(model),
    '/system/resource': async () => [
      {
        version: `${version.text} (stable)`,
        uptime: '1d3h12m46s',
        'board-name': 'CHR',
        'architecture-name': 'x86_64',
        platform: 'MikroTik',
      },
    ],
    '/ip/settings': async () => [{ 'ip-forward': 'true', 'rp-filter': switches.rpFilter }],
    '/system/identity': async () => [{ name: model.identity }],
    '/system/clock': async () => [clock(isUnset() ? new Date(0) : new Date(), isAtLeast(version, '7.10'))],
    '/system/ntp/client': async () => [
      { enabled: 'true', mode: 'unicast', status: isUnset() ? 'waiting' : 'synchronized' },
    ],
    ...(isAtLeast(version, '7.12') ? { '/system/device-mode': async () => [deviceMode(model)] } : {}),
    '/system/script/job': async () => jobs.rows(),
    '/user/active': async () => sessions().map((row, index) => ({ '.id': `*${(index + 1).toString(16)}`, ...row })),
    '/ip/firewall/connection': async () =>
      (await kernel.connections()).map((one) => connection(one, switches.connectionSpelling)),
  }
}

function interfaces({ links, tables }: Model): readonly ShownRow[] {
  const ofLinks = links.map((name, index) => ({
    '.id': `*L${index}`,
    name,
    type: 'ether',
    running: 'true',
    disabled: 'false',
  }))
  const tunnels = tables.rows(WIREGUARD).map((item) => ({
    '.id': idText(item),
    name: item.values.get('name') ?? '',
    type: 'wg',
    running: String(item.values.get('disabled') !== 'true'),
    disabled: item.values.get('disabled') ?? 'false',
  }))
  return [...ofLinks, ...tunnels]
}

/** @param isIso from 7.10 on; before it was `jan/31/2024`. */
function clock(now: Date, isIso: boolean): ShownRow {
  const iso = now.toISOString()
  const [, month, day, year] = /^\w+, (\d+) (\w+) (\d+)/.exec(now.toUTCString()) ?? []
  const old = `${day?.toLowerCase()}/${month}/${year}`
  return { date: isIso ? iso.slice(0, 10) : old, time: iso.slice(11, 19), 'gmt-offset': '+00:00' }
}

function deviceMode({ deviceMode: mode, switches }: Model): ShownRow {
  return { mode, scheduler: String(mode !== 'home'), flagged: String(switches.flagged) }
}

/** Addresses with their ports, or the two apart: both were seen of real ones. */
function connection(one: ConnectionFacts, spelling: 'joined' | 'apart'): ShownRow {
  const ends = {
    src: one.source,
    dst: one.destination,
    'reply-src': one.replySource,
    'reply-dst': one.replyDestination,
  }
  const words = Object.entries(ends).flatMap(([end, place]) => {
    const [, address, port] = /^(.*):(\d+)$/.exec(place) ?? []
    if (spelling === 'joined' || address === undefined || port === undefined) return [[`${end}-address`, place]]
    return [
      [`${end}-address`, address],
      [`${end}-port`, port],
    ]
  })
  return {
    '.id': one.id,
    protocol: one.protocol,
    ...(Object.fromEntries(words) as ShownRow),
    timeout: `${one.timeoutSeconds}s`,
  }
}
