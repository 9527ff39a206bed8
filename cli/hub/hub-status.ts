import type { Context } from '../context.ts'
import { askThisHub } from '../side/hub-session.ts'
import { printStyled, printStyledAgain } from '../output.ts'
import { upgradedIn } from '../upgrade/went-back.ts'
import { version } from '../version.ts'
import { again } from '../watch.ts'
import { hubStatusText } from './hub-status-text.ts'

/** `homeward hub status`. Exit status 2 when something is wrong, the daemon and other firewalls included. */
export async function hubStatus(context: Context, { watch }: { readonly watch?: boolean }): Promise<void> {
  const show = async (print: typeof printStyled): Promise<void> => {
    const { answer, daemon } = await askThisHub(context, 'status', null)
    const upgraded = await upgradedIn(context.stateDir)
    const facts = { version, daemon: daemon ? 'running' : 'not running', ...answer, ...upgraded } as const
    print(context, facts, (shown) => hubStatusText(shown))
    process.exitCode = !daemon || answer.problem !== null || (answer.warnings ?? []).length > 0 ? 2 : 0
  }
  if (watch === true) await again(() => show(printStyledAgain))
  else await show(printStyled)
}
