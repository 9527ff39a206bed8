import { quoted } from '../../../problems/printable.ts'
import { Problem } from '../../../problems/problem.ts'

/** A refusal of a router, in its own words. */
export class Trap extends Error {
  override readonly name = 'Trap'
  /** 0 no such item or command, 1 a value, 2 interrupted, 3 script, 4 general, 5 API, 6 terminal, 7 `:return` (RouterOS manual, API). */
  readonly category: number | null
  readonly routerWords: string
  /** Rows that the command had answered before it was refused. */
  readonly rows: readonly Readonly<Record<string, string>>[]

  constructor(attributes: Readonly<Record<string, string>>, rows: Trap['rows'] = []) {
    super(attributes['message'] ?? 'no reason given')
    this.routerWords = this.message
    const category = attributes['category']
    this.category = category === undefined ? null : Number(category)
    this.rows = rows
  }
}

/** Whether the router refused since the user lacks a policy. */
export function isNotPermitted(thrown: unknown): boolean {
  return thrown instanceof Trap && /^not enough permissions/i.test(thrown.message)
}

/** An unforeseen refusal as a Problem, in the router's own words; everything else as it is. */
export function asRefusal(thrown: unknown, what: string): unknown {
  if (!(thrown instanceof Trap)) return thrown
  return new Problem('router-refused', { what, why: `the router says: ${quoted(thrown.message)}`, cause: thrown })
}
