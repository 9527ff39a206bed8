import { Problem } from '../../problems/problem.ts'
import type { Session } from './api/session.ts'
import { asRefusal, Trap } from './api/trap.ts'
import { quote } from './rollback/undo-script.ts'

/** Policies of RouterOS that the adapter needs: to log in, to read, to change, and to ping. */
export const NEEDED_POLICIES = ['api', 'read', 'write', 'test'] as const

type Policy = (typeof NEEDED_POLICIES)[number]

/** RouterOS's error for a missing policy. */
const NOT_PERMITTED = /not enough permissions/i

/**
 * Checks whether the user may do what the adapter does, before anything is changed.
 * @throws {Problem} `router-rights-missing`, which names what is missing and the command that grants it; what `exec`
 * throws.
 */
export async function requireRights(exec: Session['exec'], user: string, signal: AbortSignal): Promise<void> {
  const what = `checking the rights of the router’s user ${user}`
  try {
    const given = (await policiesOf(exec, user, signal)) ?? (await policiesTried(exec, signal))
    const missing = NEEDED_POLICIES.filter((policy) => !given.policies.has(policy))
    if (missing.length === 0) return
    const group = given.group === null ? `[/user/get [find name=${quote(user)}] group]` : quote(given.group)
    throw new Problem('router-rights-missing', {
      what,
      why: `its group lacks ${missing.join(', ')}`,
      // `set` adds to the group's policies, and takes effect at the next login.
      next: `On the router’s console: /user/group/set ${group} policy=${missing.join(',')} – then try again`,
    })
  } catch (thrown) {
    throw asRefusal(thrown, what)
  }
}

interface Given {
  readonly policies: ReadonlySet<string>
  /** The user's group; null: not known. */
  readonly group: string | null
}

/** The policies in the router's list of users; null where this user may not read that, or is not in it (RADIUS). */
async function policiesOf(exec: Session['exec'], user: string, signal: AbortSignal): Promise<Given | null> {
  try {
    const users = await exec({ command: '/user/print', attributes: { '.proplist': 'name,group' } }, signal)
    const group = users.rows.find((row) => row['name'] === user)?.['group']
    const groups = await exec({ command: '/user/group/print', attributes: { '.proplist': 'name,policy' } }, signal)
    const policy = groups.rows.find((row) => row['name'] === group)?.['policy']
    if (group === undefined || policy === undefined) return null
    // Denied policies are listed too, as `!write`.
    return { policies: new Set(policy.split(',')), group }
  } catch (thrown) {
    if (thrown instanceof Trap) return null
    throw thrown
  }
}

/** Finds the policies by commands that change nothing. A user who can ask at all has `api`. */
async function policiesTried(exec: Session['exec'], signal: AbortSignal): Promise<Given> {
  const tries: readonly (readonly [Policy, Parameters<Session['exec']>[0]])[] = [
    ['read', { command: '/system/identity/print' }],
    // There is no such item; a user without `write` is refused before that is checked.
    ['write', { command: '/interface/wireguard/remove', attributes: { '.id': '*FFFFFFF' } }],
    ['test', { command: '/tool/ping', attributes: { address: '127.0.0.1', count: '1' } }],
  ]
  const given = await Promise.all(
    tries.map(async ([policy, sentence]) => ((await isPermitted(exec, sentence, signal)) ? [policy] : [])),
  )
  return { policies: new Set<string>(['api', ...given.flat()]), group: null }
}

async function isPermitted(
  exec: Session['exec'],
  sentence: Parameters<Session['exec']>[0],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await exec(sentence, signal)
    return true
  } catch (thrown) {
    if (thrown instanceof Trap) return !NOT_PERMITTED.test(thrown.message)
    throw thrown
  }
}
