import type { Context } from '../context.ts'
import { askThisHub } from '../side/hub-session.ts'
import { printFacts } from '../output.ts'

/** `homeward hub remove HOME`. */
export async function hubRemove(context: Context, home: string): Promise<void> {
  const { answer } = await askThisHub(context, 'remove', { home })
  printFacts(context, answer, ({ joined, devices }) => {
    const what = joined ? `The home ${home} is cut off` : `The invitation of ${home} is withdrawn`
    return `${what}${devices.length === 0 ? '' : `, with its devices ${devices.join(', ')}`}.`
  })
}
