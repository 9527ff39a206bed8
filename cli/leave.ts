import { leaveHome } from '../agent/leave.ts'
import { confirm } from './confirm.ts'
import type { Context } from './context.ts'
import { printFacts, tell } from './output.ts'

const LONGEST_MS = 180_000

/** `homeward leave`. Ends with 0 even when the hub was not told: this machine is free of it, and says what is left. */
export async function leave(context: Context): Promise<void> {
  const question = 'End the tunnel, remove homeward’s settings and keys from this machine, and leave the hub?'
  if (!(await confirm(context, question, 'leaving the hub'))) return tell('Nothing was changed.')
  const { home, hubNotTold } = await leaveHome(context, tell, AbortSignal.timeout(LONGEST_MS))
  const remove = `homeward hub remove ${home ?? 'HOME'}`
  if (hubNotTold !== null) tell(`The hub was not told (${hubNotTold}). Run there: ${remove}`)
  printFacts(context, { home, hubTold: hubNotTold === null }, () => `${home ?? 'This machine'} has left its hub.`)
}
