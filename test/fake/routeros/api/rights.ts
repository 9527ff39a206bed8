import { Refused } from '../refused.ts'
import type { Tables } from '../tables/tables.ts'

/** The policies of a user's group (manual, User). */
export type Policy = 'read' | 'write' | 'test' | 'policy' | 'sensitive' | 'api' | 'reboot'

export interface Rights {
  readonly user: string
  readonly policies: ReadonlySet<string>
}

const EVERY =
  'local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon,rest-api'

export const ALL_RIGHTS: Rights = { user: 'console', policies: new Set(EVERY.split(',')) }

/** What the default groups hold. */
export const GROUPS: Readonly<Record<string, string>> = {
  read: 'local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api,romon,rest-api',
  write: 'local,telnet,ssh,reboot,read,write,test,winbox,password,web,sniff,sensitive,api,romon,rest-api',
  full: EVERY,
}

/** A list of policies as it is given, `!x` among them, as the full list that a router shows. Those not named are denied. */
export function policyText(given: string, before = ''): string {
  const named = new Set(before.split(',').filter((one) => one !== '' && !one.startsWith('!')))
  for (const word of given.split(',').filter((one) => one !== '')) {
    const name = word.replace(/^!/, '')
    if (!ALL_RIGHTS.policies.has(name)) throw new Refused('input does not match any value of policy', 1)
    if (word.startsWith('!')) named.delete(name)
    else named.add(name)
  }
  return EVERY.split(',')
    .map((name) => (named.has(name) ? name : `!${name}`))
    .join(',')
}

/** As of now: what a group loses, its users lose at their next login. */
export function rightsOf(tables: Tables, user: string): Rights {
  const group = tables
    .rows('/user')
    .find(({ values }) => values.get('name') === user)
    ?.values.get('group')
  const policy = tables
    .rows('/user/group')
    .find(({ values }) => values.get('name') === group)
    ?.values.get('policy')
  return { user, policies: new Set((policy ?? '').split(',').filter((one) => !one.startsWith('!'))) }
}

/** @throws {Refused} `not enough permissions (9)`. */
export function require(rights: Rights, policy: Policy): void {
  if (!rights.policies.has(policy)) throw new Refused('not enough permissions (9)')
}
