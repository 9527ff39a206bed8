import { Problem } from '../../problems/problem.ts'
import type { GivenOptions } from './options.ts'

/** What a start does before the daemon runs. */
export type StartStep =
  | { readonly do: 'init'; readonly given: GivenOptions }
  | { readonly do: 'join'; readonly token: string; readonly given: GivenOptions }
  /** With another token than before: the hub forgot this home, or it goes to another hub. */
  | { readonly do: 'join-again'; readonly token: string }
  | { readonly do: 'lan'; readonly lan: readonly string[] }

/** What is there already. */
export interface Made {
  readonly role: 'home' | 'hub' | 'none'
  /** The token and the networks of the last start that acted by them. */
  readonly acted: { readonly token: string | null; readonly lan: readonly string[] } | null
}

const WHAT = 'starting this container'

/**
 * Decides what a start does. With settings nothing but what the options have changed since; without them it makes a home
 * of a token, or a hub of an address. Pure.
 * @param tokenMark of the given token, as `acted` has it.
 * @throws {Problem} `wrong-usage`, `role-taken`.
 */
export function planStart(given: GivenOptions, tokenMark: string | null, { role, acted }: Made): readonly StartStep[] {
  const { token, address } = given
  if (token !== undefined && address !== undefined)
    throw new Problem('wrong-usage', {
      what: WHAT,
      why: 'it has both a token, which makes a home, and an address, which makes a hub',
      next: 'Leave one of them out',
    })
  if (role === 'hub' && token !== undefined) throw otherRole('hub', 'a token, which is for homes')
  if (role === 'home' && address !== undefined) throw otherRole('home', 'an address, which is for hubs')
  if (role === 'hub') return []
  if (role === 'home') {
    const isNew = token !== undefined && tokenMark !== acted?.token
    const lan = given.lan ?? []
    const isOtherLan = acted !== null && lan.join() !== acted.lan.join()
    return [
      ...(isNew ? [{ do: 'join-again', token } as const] : []),
      ...(isOtherLan ? [{ do: 'lan', lan: lan.length === 0 ? ['auto'] : lan } as const] : []),
    ]
  }
  if (token !== undefined) return [{ do: 'join', token, given }]
  if (address !== undefined) return [{ do: 'init', given }]
  throw new Problem('wrong-usage', {
    what: WHAT,
    why: 'there are no settings in /data, and neither a token nor an address was given to make them',
    next: 'At home give the token that homeward hub invite HOME printed on the hub (HOMEWARD_TOKEN_FILE, or token in Home Assistant); on a VPS give its address (HOMEWARD_ADDRESS)',
  })
}

function otherRole(role: 'home' | 'hub', given: string): Problem {
  return new Problem('role-taken', {
    what: WHAT,
    why: `/data has the settings of a ${role}, and it was given ${given}`,
    next: `Leave that out, or give this container a /data of its own`,
  })
}
