import type { MemberFacts } from '../../hub/rights/member-facts.ts'
import { ageText } from '../text/age.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { askThisHub } from '../side/hub-session.ts'
import { requestLine } from './hub-approve.ts'

/** `homeward hub home HOME`: what a home may do and what of it is used; with options its owner changes it. */
export async function hubHome(
  context: Context,
  home: string,
  options: { readonly may?: string; readonly quota?: string },
): Promise<void> {
  const { may = null, quota = null } = options
  const { answer } =
    may === null && quota === null
      ? await askThisHub(context, 'home-show', { home })
      : await askThisHub(context, 'home-give', { home, may, quota })
  printFacts(context, answer, (facts) => memberText(facts, new Date()))
}

function memberText(facts: MemberFacts, now: Date): string {
  const { home, joined, may, quota, used, lan, granted, requests } = facts
  return [
    `${home}${joined ? '' : ', which is invited and has not joined'}`,
    `may      ${may.join(', ') || 'nothing by itself'}`,
    `LAN      ${lan.join(', ') || 'none'}${may.includes('lan') ? '' : `; may announce ${granted.join(', ') || 'the one network that it joins with'}`}`,
    `devices  ${used.devices} of ${quota.devices} at most`,
    `ports    ${used.ports} of ${quota.ports} at most`,
    `networks ${used.prefixes} of ${quota.prefixes} at most`,
    ...requests.map((request) =>
      requestLine(request, ageText(Math.max(0, now.getTime() - Date.parse(request.at)) / 1000)),
    ),
  ].join('\n')
}
