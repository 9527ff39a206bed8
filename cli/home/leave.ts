import { refuseOnOther } from '../side/other-machine.ts'
import { leaveHome } from '../../agent/membership/leave.ts'
import { oneLine } from '../../problems/printable.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { printFacts, tell } from '../output.ts'

/** Somebody who is at work in LuCI is waited for in it. */
const LONGEST_MS = 360_000

/** `homeward leave`. Ends with 0 even when the hub was not told: this machine has left it, and says what is left. */
export async function leave(context: Context, options: { readonly forgetRouter?: boolean }): Promise<void> {
  // On a hub it would take away what the hub made, which bears the same marks.
  await refuseOnOther('home', context, 'leaving the hub')
  const forgetRouter = options.forgetRouter === true
  const question = forgetRouter
    ? 'Leave the hub and remove homeward’s settings and keys from this machine, and leave the router as it is?'
    : 'End the tunnel, remove homeward’s settings and keys from this machine and its router, and leave the hub?'
  if (!(await confirm(context, question, 'leaving the hub'))) return tell('Nothing was changed.')
  const { home, hubNotTold, routerLeft, warnings } = await leaveHome(
    context,
    { forgetRouter },
    tell,
    AbortSignal.timeout(LONGEST_MS),
  )
  const remove = `homeward hub remove ${home ?? 'HOME'}`
  if (hubNotTold !== null) tell(`The hub was not told (${oneLine(hubNotTold)}). Run there: ${remove}`)
  if (routerLeft !== null)
    tell(
      `What homeward made on the router at ${routerLeft} is still there; docs/mikrotik.md and docs/openwrt.md say how to remove it by hand.`,
    )
  for (const warning of warnings) tell(`Warning: ${warning}`)
  printFacts(
    context,
    { home, hubTold: hubNotTold === null, routerLeft, warnings },
    () => `${home ?? 'This machine'} has left its hub.`,
  )
}
