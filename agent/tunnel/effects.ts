import type { Adapter } from '../../adapters/adapter.ts'
import { reasonOf } from '../../problems/problem.ts'
import type { RegisterAnswer } from '../../protocol/messages.ts'
import type { HeardFromHub } from './heard.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import { within } from '../../system/time/within.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { PeerView } from '../core/evidence/evidence.ts'
import type { Told, Watch } from '../core/state.ts'
import { askRound, askSizes, type AskEndpoint } from '../probes/echo-round.ts'
import { openEchoes } from '../probes/echo.ts'
import { resolveHub } from '../registrar/hub-addresses.ts'
import { hubEndpoints } from '../registrar/hub-endpoints.ts'
import type { UplinkMemory } from '../memory/uplink-memory.ts'
import type { Carries } from './plan/carries.ts'
import type { Judge } from './judge.ts'
import type { LoopEffects } from './loop.ts'
import { openTransport } from './open-transport.ts'
import type { NameCheck } from './name-check.ts'
import { knownLiterals, noteNamed, type Path } from './plan/path.ts'
import type { AgentPaths } from '../settings/paths.ts'
import { type Place, samePlace } from '../settings/place.ts'
import { type Registering, type RegistrationResult, registerHome, type SaidReason } from '../registrar/registration.ts'
import type { NamedServices } from './named-services.ts'
import { executeRemedy } from './remedy.ts'
import { readEchoKey } from '../secrets/secrets.ts'
import type { Mutex } from '../../system/process/mutex.ts'
import { targetsFor } from '../probes/reachability-targets.ts'
import { testUplink } from '../probes/uplink.ts'

/** Records what happened: in the log for whoever watches, in the events for whoever asks later. */
export interface EventRecorder {
  readonly record: (action: Told, watch: Watch) => void
  readonly registered: (reason: string, result: RegistrationResult) => void
}

/** The means by which the effects of the loop work. */
export interface EffectsContext {
  readonly paths: AgentPaths
  readonly adapter: Adapter
  readonly config: () => TunnelConfig
  readonly path: Path
  readonly nameCheck: NameCheck
  readonly uplink: UplinkMemory
  /** Everything that a registration says except its reason. */
  readonly registering: () => Omit<Registering, 'reason'>
  readonly carries: Carries
  /** Applies the plan, under the lock. @throws {Problem} */
  readonly apply: (signal: AbortSignal) => Promise<void>
  readonly reconcile: () => void
  /** The configuration changed: the machine shall be reconciled with it. */
  readonly follow: () => void
  /** The next look's repair is a change that we want, and no drift. */
  readonly expectChange: () => void
  readonly notice: Judge['notice']
  readonly recorder: EventRecorder
  /** Takes another place in the tunnel from the hub. Never throws. */
  readonly takePlace: (place: Place) => Promise<void>
  /** Takes what the hub says of its identity. Never throws. @returns whether the hub should hear of it. */
  readonly takeHubIdentity: (seen: string, told: RegisterAnswer['identity']) => Promise<boolean>
  /** Takes the published services that the hub knows by host names. */
  readonly heardNamed: NamedServices['take']
  /** Takes what the hub says of this home. */
  readonly heard: HeardFromHub['take']
  /** Takes the time on the hub's clock. */
  readonly heardTime: (hubTime: string) => void
  /** Whether what happens now is a drill's doing, and teaches nothing of this line. */
  readonly isDrill: () => boolean
  /** Held by registrations, and by changes of the key that they name. */
  readonly registrationMutex: Mutex
  readonly clock: Clock
  readonly log: Log
}

/** How long an answer is waited for: a registrar that is there needs some round trips; in a silence, not longer. */
const ANSWER_MS = { calm: 10_000, doubt: 3_000 } as const

/** How often a registration is repeated at once for the hub's identity: it may change just then, and be heard of first. */
const MOST_ASKED_AGAIN = 2

const UPLINK_MS = 4_000

/** How long the first look at this machine is waited for; it takes less. */
const KNOWN_MS = 2_000

/** Makes the effects by which the loop acts on the world. Each answers in time, whatever happens, and none throws. */
export function makeEffects(context: EffectsContext, signal: AbortSignal): LoopEffects {
  const { paths, adapter, config, path, nameCheck, uplink, recorder, clock, log } = context
  const { runtimeDir } = paths

  async function ask(...[endpoint, options, signal]: Parameters<AskEndpoint>): ReturnType<AskEndpoint> {
    try {
      const echoes = openEchoes(config().hub.address, await readEchoKey(paths), clock)
      try {
        return await echoes.ask(endpoint, options, signal)
      } finally {
        echoes.close()
      }
    } catch (thrown) {
      log.error({ why: reasonOf(thrown) }, 'an echo could not be asked')
      return null
    }
  }

  /** Waits for the first look: an agent that has just begun may hear an answer before it knows the interface. */
  async function untilKnown(): Promise<void> {
    const until = clock.now() + KNOWN_MS
    while (path.endpoint === null && clock.now() < until && !signal.aborted) await sleep(50, signal)
  }

  async function register(reason: SaidReason, lastMapping: Endpoint | null, cut: AbortSignal = signal) {
    const ask = () =>
      context.registrationMutex.runExclusive(() =>
        registerHome(
          {
            ...context.registering(),
            reason,
            lastMapping,
            timeoutMs: reason === 'doubt' ? ANSWER_MS.doubt : ANSWER_MS.calm,
          },
          cut,
        ),
      )
    let result = await ask()
    for (let more = MOST_ASKED_AGAIN; more > 0 && (await isUnsaid(result)); more -= 1) {
      const again = await ask()
      if (again.answer === null) break
      result = again
    }
    // A registration cut off by our own end says nothing of the hub.
    if (!signal.aborted) recorder.registered(reason, result)
    if (result.answer !== null) {
      context.heardTime(result.answer.hubTime)
      context.heardNamed(result.answer.named)
      context.heard(result.answer)
      await takeWish(result.answer)
      const { place } = result.answer
      if (place !== undefined && !samePlace(place, config().hub)) await context.takePlace(place)
    }
    return result
  }

  /** Whether something of the hub's identity is to be said, or heard, at once. */
  async function isUnsaid({ answer, certificate }: RegistrationResult): Promise<boolean> {
    if (answer === null || certificate === undefined) return false
    // The hub waits for the word of those that it has announced something to.
    if (await context.takeHubIdentity(certificate, answer.identity)) return true
    // It has changed since this connection was opened.
    return answer.certificate !== undefined && answer.certificate !== certificate
  }

  /** Takes what the hub wants of this home. */
  async function takeWish({ visitors, outgoing = [] }: RegisterAnswer): Promise<void> {
    const before = uplink.current
    const isSame = JSON.stringify(outgoing) === JSON.stringify(before.outgoing)
    if (visitors === before.visitors && isSame) return
    const lost = await uplink.change({ visitors, outgoing })
    if (lost !== null) log.warn({ why: lost }, 'what the hub wants could not be written down')
    if (visitors !== before.visitors)
      log.info({ visitors }, 'the hub says whether visitors come with their own addresses')
    if (!isSame) log.info({ outgoing }, 'the hub says what leaves by it')
    context.follow()
  }

  return {
    register: async (reason, lastMapping) => {
      const result = await register(reason, lastMapping)
      return {
        kind: 'registration-ended',
        outcome: result.outcome,
        mapping: result.mapping,
        view: viewOf(result),
        ...(result.answer === null ? {} : { isShared: result.answer.shared }),
      }
    },
    askEchoes: async () => {
      await untilKnown()
      const hub = config().hub
      const literals = knownLiterals(path, hub.addresses)
      const isAsked = (address: string): boolean => !nameCheck.isStranger(address)
      const endpoints = hubEndpoints(hub, literals.filter(isAsked))
      const askedAt = clock.now()
      const { endpoint: current, transport } = path
      if (endpoints[0] === undefined) return { kind: 'echoed', round: noRound(hub, current, askedAt), view: null }
      const resolve = async (signal: AbortSignal) => {
        const named = await resolveHub(hub.addresses, signal)
        return named === null ? null : { named, endpoints: hubEndpoints(hub, named.filter(isAsked)) }
      }
      const isTransport = transport !== null && current?.address === transport.endpoint.address
      const trusted = [...hub.addresses, path.provenAddress ?? [], isTransport ? [] : (current?.address ?? [])].flat()
      const plan = { endpoints, port: hub.port, current, isTransport, trusted, resolve }
      const found = await askRound(plan, askedAt, ask, signal)
      if (found.round.named !== null) noteNamed(path, found.round.named)
      nameCheck.note(found.round)
      log.debug({ ...found }, 'asked all ways')
      return { kind: 'echoed', ...found }
    },
    askSizes: async (sizes) => {
      const { endpoint } = path
      const nothing = { passed: [], smallPassed: false }
      return { kind: 'sized', round: endpoint === null ? nothing : await askSizes(endpoint, sizes, ask, signal) }
    },
    testUplink: async () => {
      const targets = targetsFor(config().beacons, knownLiterals(path, config().hub.addresses))
      return { kind: 'uplink', uplink: await within(UPLINK_MS, signal, (cut) => testUplink(targets, cut)) }
    },
    proveTunnel: async () => ({ kind: 'tunnel-proof', carries: await context.carries(signal) }),
    remedy: async (remedy) => {
      const { endpoint, keepaliveSeconds } = path
      if (endpoint === null) return { kind: 'remedy-ended', executed: false, endpoint: null }
      // Packets still in the transport would draw WireGuard back: held now, closed when the other endpoint is proven.
      if (remedy.kind === 'set-endpoint') path.transport?.hold()
      const ended = await executeRemedy(
        remedy,
        {
          adapter,
          config: config(),
          runtimeDir,
          keepaliveSeconds,
          endpoint,
          visitors: path.visitors,
          register: (how, cut) => register(how, null, cut),
          openTlsTransport: () => openTransport(context, signal),
          learnMtu: async (mtu) => {
            await uplink.change({ mtu: mtu < config().mtu ? mtu : null })
            // A look may come before the remedy's own change.
            context.expectChange()
          },
          apply: context.apply,
          log,
        },
        signal,
      )
      if (ended.endpoint !== null) path.endpoint = ended.endpoint
      return ended
    },
    reconcile: context.reconcile,
    closeTransport: () => {
      const { transport } = path
      path.transport = null
      transport?.close()
    },
    record: (action, watch) => {
      recorder.record(action, watch)
      if (action.kind !== 'tell-remedy' || context.isDrill()) return
      const { cause, remedy, helped } = action.report
      if (!helped && remedy !== 'way-back') return
      const learned =
        remedy === 'way-back'
          ? { failbackFailures: watch.failbackFailures }
          : { helped: { ...uplink.current.helped, [cause]: remedy } }
      void uplink.change(learned).then((lost) => {
        if (lost !== null) log.warn({ why: lost }, 'what helped could not be written down')
      })
    },
  }
}

function viewOf({ answer }: RegistrationResult): PeerView | null {
  if (answer === null) return null
  const { peerKnown, lastHandshakeSeconds, heardSeconds, initiatedSeconds } = answer.view
  return { peerKnown, handshakeSeconds: lastHandshakeSeconds, heardSeconds, initiatedSeconds }
}

/** A round that asked nobody: the hub's address is not known yet. */
function noRound({ port }: { readonly port: number }, current: Endpoint | null, askedAt: number) {
  const preferred = { address: '0.0.0.0', port }
  return { askedAt, current, isTransport: false, preferred, answered: [], silent: [], named: null }
}
