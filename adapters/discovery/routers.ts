import type { Evidence, RouterKind } from './evidence.ts'
import { API_PORTS, kindByPage, kindBySsh } from './greeting.ts'

/** A router of the LAN that a tunnel can end on, or the gateway, whatever it is. Its words are its own: never shown raw. */
export interface FoundRouter {
  readonly address: string
  /** null: nothing that homeward configures, as far as it showed. */
  readonly kind: RouterKind | null
  readonly isGateway: boolean
  /** The name that its owner gave it. */
  readonly name: string | null
  /** Hardware and version, as far as it tells. */
  readonly model: string | null
  /** What it was known by, in words of ours. */
  readonly signs: readonly string[]
  /** Ports of the RouterOS API and of SSH that answered. */
  readonly ports: ReadonlySet<number>
}

/** More are no home's. */
const MOST = 8
const SSH_PORT = 22
/** What OpenWrt's dropbear announces of itself (its dropbear.init). */
const DROPBEAR = 'daemon=dropbear'

/**
 * The routers that the evidence shows: the gateway first, then those who told of themselves. A machine that merely has SSH
 * is none, unless it is the gateway; then it is one of no known kind.
 */
export function routersIn(evidence: readonly Evidence[], gateway: string | null): readonly FoundRouter[] {
  const addresses = [...new Set([...(gateway === null ? [] : [gateway]), ...evidence.map(({ address }) => address)])]
  return addresses
    .map((address) =>
      routerOf(
        address,
        evidence.filter((one) => one.address === address),
        address === gateway,
      ),
    )
    .filter(({ kind, isGateway }) => kind !== null || isGateway)
    .slice(0, MOST)
}

function routerOf(address: string, evidence: readonly Evidence[], isGateway: boolean): FoundRouter {
  const signs = evidence.flatMap((one) => signOf(one, isGateway) ?? [])
  const kinds = new Set(signs.map(({ kind }) => kind))
  // Two kinds at one address are neither: somebody tells something else than the router is.
  const [kind = null] = kinds.size === 1 ? kinds : []
  const neighbour = evidence.find((one) => one.by === 'mndp')?.neighbour
  const service = evidence.find((one) => one.by === 'mdns')?.service
  const model = [neighbour?.board, neighbour?.version].filter((text) => text !== undefined && text !== null).join(', ')
  return {
    address,
    kind,
    isGateway,
    name: neighbour?.identity ?? service?.instance ?? null,
    model: model === '' ? null : model,
    signs: [...new Set(signs.map(({ said }) => said))],
    ports: new Set(evidence.flatMap((one) => (one.by === 'port' ? [one.port] : one.by === 'ssh' ? [SSH_PORT] : []))),
  }
}

interface Sign {
  readonly kind: RouterKind
  readonly said: string
}

function signOf(evidence: Evidence, isGateway: boolean): Sign | null {
  switch (evidence.by) {
    case 'mndp': {
      // Others than MikroTik speak it, and say so.
      const { platform } = evidence.neighbour
      return platform === null || /^mikrotik$/i.test(platform)
        ? { kind: 'mikrotik', said: 'it tells of itself by MikroTik’s discovery' }
        : null
    }
    case 'mdns':
      return evidence.service.texts.includes(DROPBEAR)
        ? { kind: 'openwrt', said: 'it offers SSH by mDNS as OpenWrt does' }
        : null
    case 'port':
      return Object.values<number>(API_PORTS).includes(evidence.port)
        ? { kind: 'mikrotik', said: `port ${evidence.port} of the RouterOS API is open` }
        : null
    case 'ssh': {
      const kind = kindBySsh(evidence.banner)
      if (kind === 'mikrotik') return { kind, said: 'its SSH server is RouterOS’s' }
      // A gateway with dropbear is most likely one; joining looks at what it is before anything is changed.
      return kind === 'dropbear' && isGateway ? { kind: 'openwrt', said: 'its SSH server is dropbear' } : null
    }
    case 'page': {
      const kind = kindByPage(evidence.page)
      return kind === null ? null : { kind, said: `its page is ${kind === 'openwrt' ? 'LuCI' : 'RouterOS’s'}` }
    }
    default:
      return evidence satisfies never
  }
}
