import type { Adapter } from '../../adapters/adapter.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { Problem } from '../../problems/problem.ts'
import type { HubView } from '../../protocol/messages.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { PeerState } from '../../wireguard/dump.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { firstAnswer } from '../probes/first-answer.ts'
import { heartbeatTarget } from '../probes/heartbeat-target.ts'
import { registerHome } from '../registrar/registration.ts'
import { whoDrops } from './who-drops.ts'

export interface Proof {
  /** Time from the first heartbeat to the first answer. */
  readonly tookMs: number
  /** The mapping that the hub sees; null when the hub has not looked yet. */
  readonly mapping: Endpoint | null
}

/** How long the proof may take: three lost initiations (REKEY_TIMEOUT) and a hub that is slow to take the new peer. */
const PROVE_MS = 20_000

const EVERY_MS = 250

/**
 * Proves the tunnel by an answered heartbeat: out through it, and back.
 * @throws {Problem} `tunnel-unproven`, with what both ends saw.
 */
export async function proveTunnel(
  adapter: Adapter,
  config: TunnelConfig,
  configDir: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Proof> {
  const startedAt = clock.now()
  const patience = { everyMs: EVERY_MS, atMostMs: PROVE_MS }
  const heard = await firstAnswer(heartbeatTarget(config), patience, signal, (one) => one !== 'refused')
  signal.throwIfAborted()
  if (heard !== null && heard !== 'refused') return { tookMs: clock.now() - startedAt, mapping: heard.endpoint }
  const seen = await adapter.observe(signal)
  const peer = tunnelIn(seen, config.interface)?.peers[0] ?? null
  const registration = { configDir, config, listenPort: null, lastMapping: null, hubLiterals: [] }
  const { answer } = await registerHome({ ...registration, reason: 'doubt' }, signal)
  const silence = `no heartbeat was answered within ${PROVE_MS / 1_000} s`
  const { listenPort = null } = tunnelIn(seen, config.interface) ?? {}
  throw await unproven({ config, configDir, silence, peer, view: answer?.view ?? null, listenPort }, signal)
}

interface Unproven {
  readonly config: TunnelConfig
  readonly configDir: string
  /** What was tried, for how long. */
  readonly silence: string
  readonly peer: Pick<PeerState, 'lastHandshakeAt' | 'endpoint'> | null
  /** null: the registrar did not answer. */
  readonly view: HubView | null
  /** WireGuard's own port; null: not known. */
  readonly listenPort: number | null
}

/** The problem of a tunnel that does not come up, with whoever was shown to drop its packets. */
async function unproven(
  { config, configDir, silence, peer, view, listenPort }: Unproven,
  signal: AbortSignal,
): Promise<Problem> {
  const what = 'proving the tunnel'
  const plain = whyUnproven(config, peer, view)
  const endpoint = peer?.endpoint ?? null
  if (plain !== null || endpoint === null)
    return new Problem('tunnel-unproven', { what, why: `${silence}: ${plain ?? 'WireGuard has nowhere to send to'}` })
  const { said, next } = await whoDrops(config, configDir, endpoint, listenPort, signal)
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
