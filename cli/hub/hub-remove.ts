import type { Context } from '../context.ts'
import { askThisHub } from '../side/hub-session.ts'
import { printFacts } from '../output.ts'

/** `homeward hub remove HOME`. */
export async function hubRemove(context: Context, home: string): Promise<void> {
  const { answer } = await askThisHub(context, 'remove', { home })
  printFacts(context, answer, ({ joined, devices }) => {
    if (!joined) return `Withdrew the invitation of ${home}.`
    if (devices.length === 0) return `Removed ${home}; it can no longer connect.`
    const its = devices.length === 1 ? 'its device' : 'its devices'
    return `Removed ${home} and ${its} ${listed(devices)}; they can no longer connect.`
  })
}

/** `a`, `a and b`, `a, b and c`. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
