import type { Command } from 'commander'

/** The verbs at home. */
export function registerHomeVerbs(program: Command): void {
  void program
}
