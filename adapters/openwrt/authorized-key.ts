import { Problem } from '../../problems/problem.ts'
import { done } from './exec.ts'
import { openSession, type RouterAccess } from './ssh.ts'

/** A key to log in with. */
export interface KeyPair {
  /** OpenSSH's format. */
  readonly private: string
  /** A line of authorized_keys. */
  readonly public: string
}

/** OpenWrt's dropbear reads root's keys there; others, and other users, have them at home. */
const FIND = `read -r line; d=/etc/dropbear; [ -d $d ] || { d=$HOME/.ssh; mkdir -p -m 700 $d; }; f=$d/authorized_keys; umask 077`
const ADD = `${FIND}; [ ! -s $f ] || [ -z "$(tail -c 1 $f)" ] || echo >> $f; grep -qxF "$line" $f 2>/dev/null || echo "$line" >> $f; chmod 600 $f`
/** A file that is empty now was not there before. */
const REMOVE = `${FIND}; [ ! -f $f ] || { grep -vxF "$line" $f > $f.homeward; if [ -s $f.homeward ]; then chmod 600 $f.homeward; mv $f.homeward $f; else rm -f $f $f.homeward; fi; }`

/** Where small flash left ed25519 out of dropbear (openwrt#17901), RSA is what there is. */
const KINDS = ['ed25519', 'rsa'] as const
const RSA_BITS = 3072

/**
 * Makes a key, gives it to the router, and logs in with it.
 * @param access with what lets us in now.
 * @param keep called with each key before the router has it.
 * @throws {Problem} `router-login-refused` when it takes none of them, or what the line to it throws.
 */
export async function giveKey(
  access: RouterAccess,
  signal: AbortSignal,
  keep: (pair: KeyPair) => Promise<void>,
): Promise<void> {
  const { default: ssh2 } = await import('ssh2')
  let refusal: unknown = null
  for (const kind of KINDS) {
    const comment = { comment: 'homeward' }
    const pair =
      kind === 'rsa'
        ? ssh2.utils.generateKeyPairSync(kind, { bits: RSA_BITS, ...comment })
        : ssh2.utils.generateKeyPairSync(kind, comment)
    await keep(pair)
    await tell(access, ADD, pair.public, signal)
    try {
      const session = await openSession({ ...access, login: async () => ({ kind: 'key', key: pair.private }) }, signal)
      return session.close()
    } catch (thrown) {
      if (!(thrown instanceof Problem) || thrown.code !== 'router-login-refused') throw thrown
      refusal = thrown
      await tell(access, REMOVE, pair.public, signal)
    }
  }
  throw new Problem('router-login-refused', {
    what: `giving the router ${access.host} a key`,
    why: 'it lets its user in by password, and by none of the keys that it was given (ed25519, RSA)',
    cause: refusal,
  })
}

/** @param line as it was added. */
export async function removeKey(access: RouterAccess, line: string, signal: AbortSignal): Promise<void> {
  await tell(access, REMOVE, line, signal)
}

async function tell(access: RouterAccess, script: string, line: string, signal: AbortSignal): Promise<void> {
  const session = await openSession(access, signal)
  try {
    await done(session.exec, script, { signal, stdin: `${line}\n` })
  } finally {
    session.close()
  }
}
