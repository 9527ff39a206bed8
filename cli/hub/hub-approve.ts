import type { ListedRequest } from '../../hub/rights/member-facts.ts'
import { ageText } from '../text/age.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { askThisHub } from '../side/hub-session.ts'

/** `homeward hub approve [ID]`: fulfils what a home asks for; without an ID, lists what homes ask for. */
export async function hubApprove(context: Context, id: string | undefined): Promise<void> {
  if (id !== undefined) {
    const { answer } = await askThisHub(context, 'approve', { id })
    printFacts(context, answer, ({ home, asks }) => `${home} may now ${asks}.`)
    return
  }
  const { answer } = await askThisHub(context, 'requests', null)
  const now = Date.now()
  printFacts(context, { requests: answer }, ({ requests }) =>
    requests.length === 0
      ? 'No home asks for anything.'
      : requests.map((one) => requestLine(one, ageText(Math.max(0, now - Date.parse(one.at)) / 1000))).join('\n'),
  )
}

/** `homeward hub refuse ID`. */
export async function hubRefuse(context: Context, id: string): Promise<void> {
  const { answer } = await askThisHub(context, 'refuse', { id })
  printFacts(context, answer, ({ home, asks }) => `${home} may not ${asks}.`)
}

/** One request, with the line that fulfils it. @param age how long ago it came. */
export function requestLine({ id, home, asks }: ListedRequest, age: string): string {
  return `${id}  ${home} asks to ${asks}, ${age} ago: sudo homeward hub approve ${id}`
}
