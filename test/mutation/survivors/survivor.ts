/** Mutants that no test kills, and why: none of them changes what anybody could notice. */
export interface Survivor {
  readonly path: string
  /** A part of the line that it stands in. */
  readonly at: string
  /** As the report says what they do. */
  readonly mutants: readonly string[]
  readonly why: string
}

export const NULL_IS_0 = 'The compiler refuses it, and at run time null compares as 0.'
export const TYPES_ONLY = 'It is there for the compiler: who calls has looked already.'
export const NOTHING_IS_EMPTY = 'The compiler refuses it, and at run time a set of undefined is an empty one.'
