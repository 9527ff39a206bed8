import { asProblem, type Problem } from '../../problems/problem.ts'
import { PROTOCOL_VERSION, RegisterAnswer, type RegisterRequest } from '../../protocol/messages.ts'
import type { IncidentReport } from '../../protocol/incidents.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { MOST_KEPT, type Outgoing } from '../../protocol/publications.ts'
import { askRegistrar, isElsewhere } from './ask-registrar.ts'
import type { KnownHub } from '../settings/hub-identity.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { RegistrationOutcome, RegistrationReason } from '../core/evidence/registration.ts'
import { mappedPrefixes } from '../lan/mapped-lan.ts'
import { keptPrefixes } from '../lan/kept-prefixes.ts'
import type { SecretFolders } from '../secrets/home-secret.ts'
import { readBearer } from '../secrets/secrets.ts'
import { thisMachine } from './this-machine.ts'

export interface RegistrationResult {
  readonly outcome: RegistrationOutcome
  /** The tunnel's endpoint as the hub sees it; null when the hub does not see it, or did not say. */
  readonly mapping: Endpoint | null
  readonly answer: RegisterAnswer | null
  readonly problem: Problem | null
  /** SHA-256 of the certificate that the registrar showed; absent when it was not reached. */
  readonly certificate?: string
}

/** The reason as the hub's log will show it. `reset`: the hub shall remove our peer and add it again. */
export type SaidReason = RegistrationReason | 'remedy' | 'reset' | 'key-rotation' | 'incident'

export interface Registering {
  readonly folders: SecretFolders
  readonly config: TunnelConfig
  /** What the hub has announced to come after its key and certificate. Default: nothing. */
  readonly nextHub?: KnownHub | null
  readonly reason: SaidReason
  /** The key that the hub shall know us by from now on. */
  readonly nextPublicKey?: PublicKey
  /** SHA-256 of the secret by which the home comes from its next registration on, 64 hex digits. */
  readonly nextSecretHash?: string
  readonly listenPort: number | null
  readonly lastMapping: Endpoint | null
  /** The hub's addresses when its names last resolved: for when they do not. */
  readonly hubLiterals: readonly string[]
  /** The MTU that this line allows, when that is less than the configured one. */
  readonly mtu?: number | null
  /** Visitors are answered through the tunnel. */
  readonly visitors?: boolean
  /** What leaves by the hub; null: nothing can, here. */
  readonly outgoing?: readonly Outgoing[] | null
  /** Of this homeward. Default: the hub is not told. */
  readonly version?: string
  readonly timeoutMs?: number
  readonly incidents?: IncidentReport
}

const ANSWER_MS = 10_000

/** The interval of heartbeats with `economy` (agent/tunnel/judge.ts). */
const ECONOMY_SECONDS = 25

/** Tells the hub who and where we are, out of band. Never throws: a failure is part of the result. */
export async function registerHome(registering: Registering, signal: AbortSignal): Promise<RegistrationResult> {
  const {
    config,
    folders,
    reason,
    nextPublicKey,
    nextSecretHash,
    listenPort,
    lastMapping,
    hubLiterals,
    mtu = null,
  } = registering
  const hub = config.hub
  const next = registering.nextHub?.certificate
  let certificate: string | undefined
  try {
    const bearer = await readBearer(folders, config.home)
    const machine = await thisMachine(bearer)
    const body: RegisterRequest = {
      version: PROTOCOL_VERSION,
      publicKey: config.publicKey,
      nextPublicKey,
      nextSecretHash,
      lan: mappedPrefixes(config.lan),
      listenPort,
      reason: reason === 'reset' ? 'remedy' : reason,
      reset: reason === 'reset',
      lastMapping,
      mtu,
      keeps: [...(await keptPrefixes(config))].slice(0, MOST_KEPT),
      // Whatever answer comes to this machine goes back into the tunnel; routers do that for their own networks at most.
      triesKeep: config.router.kind === 'linux',
      visitors: registering.visitors ?? false,
      ...(registering.outgoing === undefined ? {} : { outgoing: registering.outgoing && [...registering.outgoing] }),
      exit: config.lan.exit ?? false,
      follows: true,
      trusts: next ?? hub.certificate,
      ...(registering.version === undefined ? {} : { runs: registering.version }),
      ...(machine === undefined ? {} : { machine }),
      heartbeatSeconds: config.economy ? ECONOMY_SECONDS : config.heartbeatSeconds,
      ...(registering.incidents === undefined ? {} : { incidents: registering.incidents }),
    }
    // The literals are what the names last resolved to: both would only be asked twice while packets are lost.
    const hosts = hubLiterals.length > 0 ? hubLiterals : hub.addresses
    const { answer } = await askRegistrar(
      { hosts, port: hub.port, certificate: hub.certificate, next },
      {
        method: 'POST',
        path: '/v1/register',
        body,
        answer: RegisterAnswer,
        timeoutMs: registering.timeoutMs ?? ANSWER_MS,
        signal,
        bearer,
        onCertificate: (seen) => {
          certificate = seen
        },
      },
    )
    return {
      outcome: 'done',
      mapping: answer.view.endpoint,
      answer,
      problem: null,
      ...(certificate === undefined ? {} : { certificate }),
    }
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
