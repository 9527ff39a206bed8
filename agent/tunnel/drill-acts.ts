import type * as v from 'valibot'
import type { Adapter } from '../../adapters/adapter.ts'
import { DrillAnswer, type DrillResult, type DrillWay } from '../../protocol/drill.ts'
import { AlertTestAnswer, PROTOCOL_VERSION } from '../../protocol/messages.ts'
import type { Clock } from '../../system/time/clock.ts'
import { askRegistrar } from '../registrar/ask-registrar.ts'
import type { Registering } from '../registrar/registration.ts'
import { readBearer } from '../secrets/secrets.ts'
import { withChangeLock } from '../settings/change-lock.ts'
import type { TunnelConfig } from '../settings/config.ts'
import type { AgentPaths } from '../settings/paths.ts'
import type { Judge } from './judge.ts'
import type { Path } from './plan/path.ts'

/** What a drill may do to a tunnel. All of it ends by itself, or with the process: nothing is left to take back. */
export interface DrillActs {
  /** Until when what happens counts as the drill's doing, monotonic milliseconds. */
  readonly mark: (until: number) => void
  readonly isOn: () => boolean
  /** Whether a heartbeat that is due is to be held back. */
  readonly isHeld: () => boolean
  readonly holdHeartbeats: (milliseconds: number) => void
  /**
   * The interface sends from another port with its next packet, and the carrier's mapping of the one before leads nowhere.
   * @throws {Problem} as an adapter's step.
   */
  readonly dropMapping: (signal: AbortSignal) => Promise<void>
  /** What was in the way of the preferred endpoint is gone: the tunnel goes back to it as soon as it answers. */
  readonly freed: () => void
  /** Asks the hub whether it would take part in this way; it breaks nothing. @throws {Problem} as `begin`. */
  readonly preview: (way: DrillWay, seconds: number, signal: AbortSignal) => Promise<DrillAnswer>
  /** Announces a way to the hub, which breaks its part of it. @throws {Problem} the hub's own, or of asking it. */
  readonly begin: (way: DrillWay, seconds: number, signal: AbortSignal) => Promise<DrillAnswer>
  /** Tells the hub what came of it, which tells people. @throws {Problem} as above. */
  readonly end: (result: DrillResult, signal: AbortSignal) => Promise<AlertTestAnswer>
}

interface DrillActsDeps {
  readonly paths: AgentPaths
  readonly adapter: Adapter
  readonly config: () => TunnelConfig
  readonly path: Pick<Path, 'keepaliveSeconds'>
  readonly registering: () => Pick<Registering, 'hubLiterals' | 'nextHub'>
  readonly notice: Judge['notice']
  readonly clock: Clock
}

const BEGIN_MS = 10_000
/** The hub tries its channels for twenty seconds. */
const END_MS = 30_000

export function makeDrillActs(deps: DrillActsDeps): DrillActs {
  const { paths, adapter, config, path, registering, notice, clock } = deps
  let markedUntil = -Infinity
  let heldUntil = -Infinity

  async function ask<const Schema extends v.GenericSchema>(
    call: { readonly what: string; readonly path: string; readonly body: object },
    answer: Schema,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<v.InferOutput<Schema>> {
    const { hub, home } = config()
    const { hubLiterals, nextHub } = registering()
    const asked = await askRegistrar(
      {
        hosts: hubLiterals.length > 0 ? hubLiterals : hub.addresses,
        port: hub.port,
        certificate: hub.certificate,
        next: nextHub?.certificate,
      },
      {
        what: call.what,
        method: 'POST',
        path: call.path,
        body: { version: PROTOCOL_VERSION, ...call.body },
        answer,
        bearer: await readBearer(paths, home),
        timeoutMs,
        signal,
      },
    )
    return asked.answer
  }

  return {
    mark: (until) => {
      markedUntil = until
    },
    isOn: () => clock.now() < markedUntil,
    isHeld: () => clock.now() < heldUntil,
    holdHeartbeats: (milliseconds) => {
      heldUntil = clock.now() + milliseconds
    },
    dropMapping: async (signal) => {
      const { interface: name, router, hub } = config()
      await withChangeLock(paths.runtimeDir, signal, () =>
        // Linux takes a port and sends nothing; a router's adapter knows how to change it, and sends one packet.
        router.kind === 'linux'
          ? adapter.execute({ kind: 'set-listen-port', interface: name, port: 0 }, signal)
          : adapter.remedy(
              {
                kind: 'new-source-port',
                interface: name,
                peer: hub.publicKey,
                keepaliveSeconds: path.keepaliveSeconds,
              },
              signal,
            ),
      )
    },
    freed: () => notice({ kind: 'freed' }),
    preview: (way, seconds, signal) => {
      const body = { way, seconds, preview: true }
      return ask({ what: 'beginning a drill', path: '/v1/drill', body }, DrillAnswer, BEGIN_MS, signal)
    },
    begin: (way, seconds, signal) =>
      ask({ what: `trying ${way}`, path: '/v1/drill', body: { way, seconds } }, DrillAnswer, BEGIN_MS, signal),
    end: (result, signal) =>
      ask({ what: `ending ${result.way}`, path: '/v1/drill/end', body: { result } }, AlertTestAnswer, END_MS, signal),
  }
}
