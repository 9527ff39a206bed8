import { createHash } from 'node:crypto'
import { quoted } from '../../../problems/printable.ts'
import { Problem } from '../../../problems/problem.ts'
import { hostPort } from '../../../wireguard/host-port.ts'
import { PORTS } from './refused-connection.ts'
import type { RouterAccess, Session } from './session.ts'
import { Trap } from './trap.ts'

/**
 * Logs in as RouterOS 6.43 and newer do. An older one answers with a challenge, which is answered as well, so that the
 * error can say that the router is too old.
 * @throws {Problem} `router-login-refused`, or what ended the connection.
 */
export async function logIn(
  exec: Session['exec'],
  { host, port, user }: RouterAccess,
  password: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const { ret } = await exec({ command: '/login', attributes: { name: user, password } }, signal)
    if (ret !== null)
      await exec({ command: '/login', attributes: { name: user, response: answerTo(ret, password) } }, signal)
  } catch (thrown) {
    const what = `logging in to the router ${hostPort(host, port)} as ${user}`
    if (thrown instanceof Problem && thrown.code === 'router-unreachable') {
      const why = `${thrown.why} before it took the login: its API service may not let this address in, or has too many sessions, or this is not the right port (${PORTS})`
      throw new Problem('router-unreachable', { what, why, cause: thrown })
    }
    if (!(thrown instanceof Trap)) throw thrown
    throw new Problem('router-login-refused', { what, why: `it says: ${quoted(thrown.message)}` })
  }
}

/** The answer: 00, and the MD5 of a zero byte, the password and the challenge (RouterOS manual, API, before 6.43). */
function answerTo(challenge: string, password: string): string {
  const hash = createHash('md5').update('\0').update(password, 'utf8').update(challenge, 'hex')
  return `00${hash.digest('hex')}`
}
