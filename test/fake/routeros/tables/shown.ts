import { publicKeyOf } from '../../../../wireguard/public-key.ts'
import type { PrivateKey } from '../../../../wireguard/keys.ts'
import type { PeerFacts } from '../kernel/kernel.ts'
import type { MenuPlan, Property } from './menus.ts'
import { isEnabled, type Model, PEERS, WIREGUARD } from '../model.ts'
import { isInvalid } from './references.ts'
import type { Rights } from '../api/rights.ts'
import { type Item, idText } from './tables.ts'
import { clockText, durationText } from './values.ts'
import { isAtLeast, type Version } from '../version.ts'

/** A row as it is printed: only what has a value. */
export type ShownRow = Record<string, string>

export function isKnown(property: Property | undefined, version: Version): boolean {
  if (property === undefined) return false
  const { since, until } = property
  return (since === undefined || isAtLeast(version, since)) && (until === undefined || !isAtLeast(version, until))
}

/** All rows of a menu. @param showsSecrets asked for; before 7.21 the right alone shows them. */
export async function shownRows(
  model: Model,
  menu: MenuPlan,
  rights: Rights,
  showsSecrets: boolean,
): Promise<readonly { readonly item: Item; readonly row: ShownRow }[]> {
  const facts = menu.path === PEERS ? await peerFacts(model) : new Map<string, PeerFacts>()
  const seesSecrets = rights.policies.has('sensitive') && (showsSecrets || !isAtLeast(model.version, '7.21'))
  const made = menu.path === '/ip/route' ? connectedRoutes(model) : []
  return [...model.tables.rows(menu.path), ...made].map((item) => {
    const row: ShownRow = { '.id': idText(item) }
    for (const [name, property] of Object.entries(menu.properties)) {
      if (!isKnown(property, model.version)) continue
      const value = item.values.get(name) ?? property.initial
      if (value !== undefined) row[name] = property.isSecret === true && !seesSecrets ? '*****' : value
    }
    if (menu.path === '/user') delete row['password']
    return { item, row: { ...row, ...computed(model, menu.path, item, facts) } }
  })
}

/** An address leads its own network to its interface: rows that are shown, and that nobody made. */
function connectedRoutes({ tables }: Model): readonly Item[] {
  return tables
    .rows('/ip/address')
    .filter((item) => isEnabled(item) && !isInvalid(item) && isUp(tables, item))
    .map(({ id, values }) => ({
      // Far from all that was ever added.
      id: 0x80000000 + id,
      isDynamic: true,
      values: new Map([
        ['dst-address', `${values.get('network') ?? ''}/${values.get('address')?.split('/')[1] ?? '32'}`],
        ['gateway', values.get('interface') ?? ''],
        ['distance', '0'],
        ['scope', '10'],
        ['target-scope', '5'],
      ]),
    }))
}

function isUp(tables: Model['tables'], { values }: Item): boolean {
  const own = tables.rows(WIREGUARD).find((one) => one.values.get('name') === values.get('interface'))
  return own === undefined || isEnabled(own)
}

async function peerFacts({ kernel, tables }: Model): Promise<Map<string, PeerFacts>> {
  const names = tables
    .rows(WIREGUARD)
    .filter(isEnabled)
    .map(({ values }) => values.get('name') ?? '')
  const all = await Promise.all(names.map((name) => kernel.peers(name)))
  return new Map(all.flat().map((facts) => [facts.publicKey, facts]))
}

/** What a router knows of a row that nobody set. */
function computed(model: Model, path: string, item: Item, facts: ReadonlyMap<string, PeerFacts>): ShownRow {
  const dynamic = { dynamic: String(item.isDynamic) }
  switch (path) {
    case WIREGUARD:
      return {
        'public-key': publicKeyOf((item.values.get('private-key') ?? '') as PrivateKey),
        running: String(isEnabled(item)),
      }
    case PEERS:
      return { ...dynamic, ...peerFactsShown(model, facts.get(item.values.get('public-key') ?? '')) }
    case '/ip/address':
      return { ...dynamic, invalid: String(isInvalid(item)), 'actual-interface': item.values.get('interface') ?? '' }
    case '/ip/route':
      if (item.isDynamic) return { ...dynamic, active: 'true', connect: 'true' }
      return isEnabled(item) && !isInvalid(item) ? { ...dynamic, active: 'true', static: 'true' } : dynamic
    case '/ip/firewall/filter':
    case '/ip/firewall/nat':
    case '/ip/firewall/mangle':
      return { ...dynamic, invalid: String(isInvalid(item)), bytes: '0', packets: '0' }
    case '/certificate':
      return item.values.has('fingerprint') ? { fingerprint: item.values.get('fingerprint') ?? '' } : {}
    case '/ip/service':
      return { name: item.values.get('name') ?? '', invalid: 'false' }
    default:
      return {}
  }
}

/** A peer that never shook hands has neither age nor a place. */
function peerFactsShown({ switches }: Model, facts: PeerFacts | undefined): ShownRow {
  if (facts === undefined) return { rx: '0', tx: '0' }
  const { rxBytes, txBytes, handshakeSeconds, endpoint } = facts
  const age = switches.ageSpelling === 'clock' ? clockText : durationText
  return {
    rx: String(rxBytes),
    tx: String(txBytes),
    ...(endpoint === null
      ? {}
      : { 'current-endpoint-address': endpoint.address, 'current-endpoint-port': String(endpoint.port) }),
    ...(handshakeSeconds === null ? {} : { 'last-handshake': age(handshakeSeconds) }),
  }
}
