import type * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { isNoWay } from '../../protocol/no-route.ts'
import { type Call, callRegistrar, type Registrar } from '../../protocol/registrar-client.ts'

/** A hub's registrar, with all addresses at which it is reached. */
export interface RegistrarAddress {
  /** Names and literals, best first. */
  readonly hosts: readonly string[]
  readonly port: number
  /** SHA-256 of the registrar's certificate. */
  readonly certificate: string
  /** That of the one which comes after it, as the hub has announced. Default: not known. */
  readonly next?: string | undefined
}

export interface Answered<Answer> {
  readonly answer: Answer
  /** The host that answered. */
  readonly host: string
}

/**
 * Asks whichever of the hosts answers first, in their order. A refusal by the hub itself is final.
 * @throws {Problem} as firstReached.
 */
export async function askRegistrar<const Schema extends v.GenericSchema>(
  registrar: RegistrarAddress,
  call: Call<Schema>,
): Promise<Answered<v.InferOutput<Schema>>> {
  const { reached, host } = await firstReached(registrar, call.signal, (one) => callRegistrar(one, call))
  return { answer: reached, host }
}

/**
 * Tries the hosts in their order. After one that is not reached, or that is somebody else, the next is tried.
 * @throws {Problem} the hub's own, or of all failures the one that says most.
 */
export async function firstReached<Reached>(
  { hosts, port, certificate, next }: RegistrarAddress,
  signal: AbortSignal | undefined,
  attempt: (registrar: Registrar) => Promise<Reached>,
): Promise<{ readonly reached: Reached; readonly host: string }> {
  let worst: unknown
  for (const host of hosts) {
    try {
      return { reached: await attempt({ host, port, certificate, next }), host }
    } catch (thrown) {
      if (!isElsewhere(thrown) || signal?.aborted === true) throw thrown
      if (weight(thrown) > weight(worst)) worst = thrown
    }
  }
  throw worst
}

/** Whether a failure says something of this host only, so that another one may still be asked. */
export function isElsewhere(thrown: unknown): boolean {
  return weight(thrown) > 0
}

function weight(thrown: unknown): number {
  if (!(thrown instanceof Problem)) return 0
  switch (thrown.code) {
    case 'certificate-mismatch':
      return 3
    case 'hub-unreachable':
      // An address to which no way leads says nothing of the hub, where another one was asked.
      return isNoWay(thrown.cause) ? 1.5 : 2
    case 'name-unresolved':
      return 1
    default:
      return 0
  }
}
