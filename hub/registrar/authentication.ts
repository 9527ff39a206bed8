import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { NameSchema } from '../../protocol/names.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import type { Hub } from '../service/hub.ts'
import type { Home } from '../core/store-document.ts'
import { sourceOf } from './source-groups.ts'
import { makeWrongSecrets } from './wrong-secrets.ts'

/** Tells who asks the registrar. Right secrets are never counted, so that a shared address harms nobody. */
export interface Authentication {
  /**
   * Finds the home that asks.
   * @param authorization the header of that name.
   * @param address where the request comes from.
   * @throws {Problem} `home-unknown`, `rate-limited`.
   */
  readonly homeOf: (authorization: string | undefined, address: string) => Home
  /** Counts one more wrong secret from an address. @returns what to refuse with: the problem, or `rate-limited`. */
  readonly wrongSecret: (address: string, problem: Problem) => Problem
}

export function makeAuthentication(hub: Pick<Hub, 'authenticate'>, clock: Clock, log: Log): Authentication {
  const wrongSecrets = makeWrongSecrets()

  /** @param claims the name that was given: it finds a home that was removed, or a hub that forgot it. */
  function wrongSecret(address: string, problem: Problem, claims?: string): Problem {
    const { count, tooMany } = wrongSecrets.count(address, clock.now())
    // Two lines a minute and source at most, however many requests come.
    if (count === 1) log.warn({ source: sourceOf(address), code: problem.code, claims }, 'a wrong secret')
    if (!tooMany) return problem
    const why = `too many wrong secrets came from ${sourceOf(address)}`
    return new Problem('rate-limited', { what: problem.what, why })
  }

  return {
    homeOf: (authorization, address) => {
      const [, bearer = ''] = /^Bearer ([\x21-\x7e]{1,128})$/.exec(authorization ?? '') ?? []
      const home = hub.authenticate(bearer)
      if (home !== null) return home
      const why = 'the hub knows no home with this secret'
      const [name = ''] = bearer.split('.')
      const claims = v.is(NameSchema, name) ? name : undefined
      throw wrongSecret(address, new Problem('home-unknown', { what: 'asking the hub', why }), claims)
    },
    wrongSecret: (address, problem) => wrongSecret(address, problem),
  }
}
