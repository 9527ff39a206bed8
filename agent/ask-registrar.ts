import type * as v from 'valibot'
import { Problem } from '../problems/problem.ts'
import { type Call, callRegistrar } from '../protocol/registrar-client.ts'

/** A hub's registrar, by all the ways it is reached. */
export interface RegistrarPlaces {
  /** Names and literals, best first. */
  readonly hosts: readonly string[]
  readonly port: number
  /** SHA-256 of its certificate. */
  readonly certificate: string
}

export interface Answered<Answer> {
  readonly answer: Answer
  /** Which of the hosts answered. */
  readonly host: string
}

/**
 * Asks whichever of the hosts answers first, in their order. What the hub itself refuses is final; a host that is not
 * reached, or that is somebody else, leads to the next one.
 * @throws {Problem} the hub's own, or of all that failed the one that says most.
 */
export async function askRegistrar<const Schema extends v.GenericSchema>(
  { hosts, port, certificate }: RegistrarPlaces,
  call: Call<Schema>,
): Promise<Answered<v.InferOutput<Schema>>> {
  let worst: unknown
  for (const host of hosts) {
    try {
      return { answer: await callRegistrar({ host, port, certificate }, call), host }
    } catch (thrown) {
      if (!isElsewhere(thrown) || call.signal?.aborted === true) throw thrown
      if (weight(thrown) > weight(worst)) worst = thrown
    }
  }
  throw worst
}

/** Whether it says something of this host only, and another one may still be asked. */
export function isElsewhere(thrown: unknown): boolean {
  return weight(thrown) > 0
}

function weight(thrown: unknown): number {
  if (!(thrown instanceof Problem)) return 0
  switch (thrown.code) {
    case 'certificate-mismatch':
      return 3
    case 'hub-unreachable':
      return 2
    case 'name-unresolved':
      return 1
    default:
      return 0
  }
}
