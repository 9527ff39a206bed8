import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'

/**
 * What a home may ask of the hub by itself; the hub's owner may do all of it, for any home. A home stands in somebody's
 * cupboard: whoever takes the machine has its secret, and no more than its rights.
 */
export const RIGHTS = ['lan', 'devices', 'publish', 'publish-low', 'outgoing', 'full', 'exit'] as const

export type Right = (typeof RIGHTS)[number]

export const RightSchema = v.picklist(RIGHTS)

/** Rights of a home whose invitation named none: everyday use, and nothing that is the owner's alone. */
export const DEFAULT_RIGHTS: readonly Right[] = ['devices', 'publish']

/** Ports that a right of its own guards: system ports (RFC 6335, 6), by which a stranger takes a machine for its owner's. */
export const LAST_LOW_PORT = 1023

/** The rights' words, as in `cabin may not …`. */
const WORDS: Readonly<Record<Right, string>> = {
  lan: 'announce networks beside the one that it joined with',
  devices: 'add devices',
  publish: 'publish ports',
  'publish-low': `publish ports up to ${LAST_LOW_PORT}`,
  outgoing: 'send by this hub’s address',
  full: 'let devices reach the internet through this hub',
  exit: 'be the way to the internet for its devices',
}

/** Somebody with a name, and the rights that the owner gave; absent: the default ones. */
export interface Member {
  readonly name: string
  readonly may?: readonly Right[] | undefined
}

export function rightsOf({ may }: Pick<Member, 'may'>): readonly Right[] {
  return may ?? DEFAULT_RIGHTS
}

export function has(member: Pick<Member, 'may'>, right: Right): boolean {
  return rightsOf(member).includes(right)
}

/** @throws {Problem} `right-missing`, with the line by which the hub's owner gives the right. */
export function requireRight(member: Member, right: Right, what: string): void {
  if (!has(member, right)) throw new RightMissing(member.name, right, what)
}

/** A refusal that the hub's owner can lift: the right is known, so that the wish can wait for the owner. */
export class RightMissing extends Problem {
  readonly right: Right

  /** @param said the whole reason, where it is another than the missing right itself. */
  constructor(home: string, right: Right, what: string, said: { readonly why: string } | null = null) {
    const why = `${home} may not ${WORDS[right]}. The hub’s owner gives the right there: ${giving(home, right)}`
    super('right-missing', { what, why: said?.why ?? why })
    this.right = right
  }
}

/** The line that gives a home a right. */
function giving(home: string, right: Right): string {
  return `sudo homeward hub home ${home} --may +${right}`
}

/**
 * Rights as people write them: `publish,full` are those and no others, `+full,-devices` changes, `all`, `none`.
 * @returns null where a word is none of these.
 */
export function rightsIn(text: string, before: readonly Right[]): readonly Right[] | null {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
  if (words.length === 0) return null
  let rights = new Set<Right>(words.every((word) => /^[+-]/.test(word)) ? before : [])
  for (const word of words) {
    if (word === 'all') rights = new Set(RIGHTS)
    else if (word === 'none') rights = new Set()
    else {
      const right = word.replace(/^[+-]/, '')
      if (!v.is(RightSchema, right)) return null
      if (word.startsWith('-')) rights.delete(right)
      else rights.add(right)
    }
  }
  return RIGHTS.filter((right) => rights.has(right))
}
