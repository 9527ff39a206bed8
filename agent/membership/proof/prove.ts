import { Problem } from '../../../problems/problem.ts'
import type { HubView } from '../../../protocol/messages.ts'
import type { PeerState } from '../../../wireguard/dump.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { registerHome } from '../../registrar/registration.ts'
import type { TunnelConfig } from '../../settings/config.ts'
import type { Finding, ProvenWay, WayFinder } from '../../ways/find-way.ts'
import { lineText } from '../../ways/line-report.ts'
import { whoDrops } from './who-drops.ts'

/** A finding that found a way. */
export interface Proof extends Finding {
  readonly proven: ProvenWay
}

/**
 * Proves the tunnel by an answered heartbeat: out through it, and back, by whichever way works.
 * @param from the endpoint that the interface sends to.
 * @throws {Problem} `tunnel-unproven`, with what was tried and what both ends saw.
 */
export async function proveTunnel(
  finder: WayFinder,
  from: Endpoint,
  config: TunnelConfig,
  configDir: string,
  signal: AbortSignal,
): Promise<Proof> {
  const finding = await finder.find(from, signal)
  const { proven, peer, listenPort, line, tookMs } = finding
  if (proven !== null) return { ...finding, proven }
  signal.throwIfAborted()
  const registration = {
    folders: { configDir, stateDir: null },
    config,
    listenPort: null,
    lastMapping: null,
    hubLiterals: [],
  }
  const { answer } = await registerHome({ ...registration, reason: 'doubt' }, signal)
  const silence = `no heartbeat was answered within ${Math.round(tookMs / 1_000)} s by any way (${lineText(line)})`
  throw await unproven({ config, configDir, silence, peer, from, view: answer?.view ?? null, listenPort }, signal)
}

interface Unproven {
  readonly config: TunnelConfig
  readonly configDir: string
  /** What was tried, for how long. */
  readonly silence: string
  readonly peer: Pick<PeerState, 'lastHandshakeAt'> | null
  /** Where WireGuard sends again after all ways were tried. */
  readonly from: Endpoint
  /** null: the registrar did not answer. */
  readonly view: HubView | null
  /** WireGuard's own port; null: not known. */
  readonly listenPort: number | null
}

/** The problem of a tunnel that does not come up, with whoever was shown to drop its packets. */
async function unproven(
  { config, configDir, silence, peer, from, view, listenPort }: Unproven,
  signal: AbortSignal,
): Promise<Problem> {
  const what = 'proving the tunnel'
  const plain = whyUnproven(config, peer, view)
  if (plain !== null) return new Problem('tunnel-unproven', { what, why: `${silence}: ${plain}` })
  const { said, next } = await whoDrops(config, configDir, from, listenPort, signal)
  return new Problem('tunnel-unproven', { what, why: `${silence}: ${said}`, next })
}

/** Why there is no tunnel, where that is known without asking who drops its packets; null: it is not. */
export function whyUnproven(
  config: TunnelConfig,
  peer: Pick<PeerState, 'lastHandshakeAt'> | null,
  view: HubView | null,
): string | null {
  const { hubAddress, heartbeatPort } = config.hub
  if (peer === null) return 'the interface is gone'
  if (peer.lastHandshakeAt !== null)
    return config.router.kind === 'linux'
      ? `WireGuard shook hands with the hub, but nobody answers at ${hubAddress} port ${heartbeatPort}`
      : `WireGuard shook hands with the hub, but nobody answers this machine at ${hubAddress} port ${heartbeatPort}: its default route must lead to the router at ${config.router.host}`
  if (view === null) return 'there was no WireGuard handshake, and the hub’s registrar does not answer any more either'
  return view.peerKnown ? null : 'the hub does not know this home’s key'
}
