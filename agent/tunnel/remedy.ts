import type { Adapter } from '../../adapters/adapter.ts'
import { asProblem, Problem } from '../../problems/problem.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import { within } from '../../system/time/within.ts'
import { type Endpoint, formatEndpoint } from '../../wireguard/spec.ts'
import { withChangeLock } from '../settings/change-lock.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { Remedy } from '../core/ladder.ts'
import type { WatchEvent } from '../core/state.ts'
import type { RegistrationResult } from '../registrar/registration.ts'
import { tunnelPeer } from './plan/tunnel-spec.ts'

/** The means by which a remedy is executed. */
export interface RemedyContext {
  readonly adapter: Adapter
  readonly config: TunnelConfig
  readonly runtimeDir: string
  readonly keepaliveSeconds: number
  /** Where the interface sends now. */
  readonly endpoint: Endpoint
  /** Visitors are answered through the tunnel. */
  readonly visitors: boolean
  /** Registers at the hub, out of band. */
  readonly register: (how: 'remedy' | 'reset', signal: AbortSignal) => Promise<RegistrationResult>
  /** Opens the TLS transport, or gives the one that is open. */
  readonly openTlsTransport: () => Promise<Endpoint>
  /** Remembers an MTU for this line. */
  readonly learnMtu: (mtu: number) => Promise<void>
  /** Brings the machine to the plan. */
  readonly apply: (signal: AbortSignal) => Promise<void>
  readonly log: Log
}

/** How long a remedy may take: milliseconds on this machine, some round trips on a router or to the hub. */
const REMEDY_MS = 10_000
const ASK_AGAIN_MS = 500

/** Executes a remedy, one at a time. Never throws; answers whether it could, and where the interface sends now. */
export async function executeRemedy(
  remedy: Remedy,
  context: RemedyContext,
  signal: AbortSignal,
): Promise<Extract<WatchEvent, { kind: 'remedy-ended' }>> {
  const longMs = remedy.kind === 'silence' ? remedy.seconds * 1_000 : 0
  context.log.info({ ...remedy }, 'tries a remedy')
  try {
    const endpoint = await within(REMEDY_MS + longMs, signal, (cut) =>
      whenReachable(() => act(remedy, context, cut), cut),
    )
    return { kind: 'remedy-ended', executed: true, endpoint }
  } catch (thrown) {
    const { code, message } = asProblem(thrown, `trying ${remedy.kind}`)
    context.log.error({ code }, message)
    return { kind: 'remedy-ended', executed: false, endpoint: null }
  }
}

/**
 * Retries a router that is away for as long as the remedy has time: otherwise the whole ladder would be gone through
 * without success, and its next round be far away when the router is back.
 */
async function whenReachable<Result>(act: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (;;) {
    try {
      return await act()
    } catch (thrown) {
      if (!(thrown instanceof Problem) || thrown.code !== 'router-unreachable' || signal.aborted) throw thrown
      await sleep(ASK_AGAIN_MS, signal)
    }
  }
}

/** @returns where the interface sends now, when that changed. */
async function act(remedy: Remedy, context: RemedyContext, signal: AbortSignal): Promise<Endpoint | null> {
  const { adapter, config, runtimeDir, keepaliveSeconds, endpoint } = context
  const locked = (change: () => Promise<void>): Promise<void> => withChangeLock(runtimeDir, signal, change)
  const peer = config.hub.publicKey
  switch (remedy.kind) {
    case 'new-source-port': {
      const kind = remedy.kind
      await locked(() => adapter.remedy({ kind, interface: config.interface, peer, keepaliveSeconds }, signal))
      return null
    }
    case 'forget-flow':
      await locked(() => adapter.remedy({ kind: 'forget-flow', interface: config.interface, endpoint }, signal))
      return null
    case 'new-session':
      await locked(() => newSession(context, 0, signal))
      return null
    case 'set-endpoint':
      await locked(() => setEndpoint(context, remedy.endpoint, signal))
      return remedy.endpoint
    case 'register':
      return await registered(context, 'remedy', signal)
    case 'reset':
      await registered(context, 'reset', signal)
      // A new session is not held back by WireGuard's 5 s between two initiations.
      await locked(() => newSession(context, 0, signal))
      return null
    case 'carrier': {
      const endpoint = await context.openTlsTransport()
      await locked(() => setEndpoint(context, endpoint, signal))
      return endpoint
    }
    case 'silence':
      await locked(() => newSession(context, remedy.seconds, signal))
      return null
    case 'rebuild':
      await locked(() => adapter.remedy({ kind: 'rebuild', interface: config.interface }, signal))
      await context.apply(signal)
      return null
    case 'set-mtu':
      await context.learnMtu(remedy.mtu)
      await context.apply(signal)
      return null
    default:
      return remedy satisfies never
  }
}

async function newSession(context: RemedyContext, silentSeconds: number, signal: AbortSignal): Promise<void> {
  const { adapter, config } = context
  const peer = tunnelPeer(config, context)
  await adapter.remedy({ kind: 'new-session', interface: config.interface, peer, silentSeconds }, signal)
}

/** Sets the endpoint and sends nothing: the heartbeat that is due at once shows the hub the new endpoint. */
async function setEndpoint(context: RemedyContext, endpoint: Endpoint, signal: AbortSignal) {
  const { adapter, config, log } = context
  const peer = tunnelPeer(config, { ...context, endpoint: endpoint })
  await adapter.execute({ kind: 'set-peers', interface: config.interface, peers: [peer] }, signal)
  log.info({ endpoint: formatEndpoint(endpoint) }, 'the tunnel takes another way')
}

async function registered({ register }: RemedyContext, how: 'remedy' | 'reset', signal: AbortSignal): Promise<null> {
  const { problem } = await register(how, signal)
  if (problem !== null) throw problem
  return null
}
