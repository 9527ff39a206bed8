import { asProblem, type Problem } from '../../problems/problem.ts'
import { PROTOCOL_VERSION, RegisterAnswer, type RegisterRequest } from '../../protocol/messages.ts'
import type { IncidentReport } from '../../protocol/incidents.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { askRegistrar, isElsewhere } from './ask-registrar.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { RegistrationOutcome, RegistrationReason } from '../core/registration.ts'
import { mappedPrefixes } from '../lan/mapped-lan.ts'
import { keptPrefixes } from '../lan/kept-prefixes.ts'
import { readBearer } from '../secrets/secrets.ts'

export interface RegistrationResult {
  readonly outcome: RegistrationOutcome
  /** Where the hub sees the tunnel; null when it does not, or did not say. */
  readonly mapping: Endpoint | null
  readonly answer: RegisterAnswer | null
  readonly problem: Problem | null
}

/** What the hub's log will say of why. `reset`: the hub shall take our peer out and put it in again. */
export type SaidReason = RegistrationReason | 'remedy' | 'reset' | 'key-rotation' | 'incident'

export interface Registering {
  readonly configDir: string
  readonly config: TunnelConfig
  readonly reason: SaidReason
  /** A new key for the hub to know us by from now on. */
  readonly nextPublicKey?: PublicKey
  readonly listenPort: number | null
  readonly lastMapping: Endpoint | null
  /** The hub's addresses when its names last resolved: for when they do not. */
  readonly hubLiterals: readonly string[]
  /** What this line bears, when that is less than what is configured. */
  readonly mtu?: number | null
  /** Visitors are answered through the tunnel. */
  readonly visitors?: boolean
  readonly timeoutMs?: number
  readonly incidents?: IncidentReport
}

const ANSWER_MS = 10_000

/** agent/tunnel/loop.ts */
const ECONOMY_SECONDS = 25

/** Tells the hub who and where we are, out of band. Never throws: what went wrong is the result. */
export async function registerHome(registering: Registering, signal: AbortSignal): Promise<RegistrationResult> {
  const { config, configDir, reason, nextPublicKey, listenPort, lastMapping, hubLiterals, mtu = null } = registering
  const hub = config.hub
  try {
    const body: RegisterRequest = {
      version: PROTOCOL_VERSION,
      publicKey: config.publicKey,
      nextPublicKey,
      lan: mappedPrefixes(config.lan),
      listenPort,
      reason: reason === 'reset' ? 'remedy' : reason,
      reset: reason === 'reset',
      lastMapping,
      mtu,
      keeps: [...(await keptPrefixes(config))],
      visitors: registering.visitors ?? false,
      exit: config.lan.exit ?? false,
      heartbeatSeconds: config.economy ? ECONOMY_SECONDS : config.heartbeatSeconds,
      ...(registering.incidents === undefined ? {} : { incidents: registering.incidents }),
    }
    // The literals are what the names said last: both would only be asked twice while packets vanish.
    const hosts = hubLiterals.length > 0 ? hubLiterals : hub.addresses
    const { answer } = await askRegistrar(
      { hosts, port: hub.port, certificate: hub.certificate },
      {
        method: 'POST',
        path: '/v1/register',
        body,
        answer: RegisterAnswer,
        timeoutMs: registering.timeoutMs ?? ANSWER_MS,
        signal,
        bearer: await readBearer(configDir, config.home),
      },
    )
    return { outcome: 'done', mapping: answer.view.endpoint, answer, problem: null }
  } catch (thrown) {
    const problem = asProblem(thrown, 'registering at the hub')
    return { outcome: outcomeOf(problem), mapping: null, answer: null, problem }
  }
}

/** Only the hub itself says `home-unknown`, over a connection whose certificate is pinned. */
function outcomeOf(problem: Problem): RegistrationOutcome {
  if (problem.code === 'home-unknown') return 'unknown'
  return isElsewhere(problem) ? 'unreachable' : 'refused'
}
