import { Problem } from '../../../problems/problem.ts'
import { STATUS } from './change-script.ts'
import { Refused } from '../ssh/exec.ts'
import { flashFull } from '../flash/flash-full.ts'
import { freeKib, WRITING } from '../flash/put-file.ts'
import { KEY_COMMENT, KEY_KINDS, type KeyPair, newKeyPair } from '../ssh/key-pair.ts'
import { openSession, type RouterAccess } from '../ssh/ssh.ts'

/** How much flash a file of keys needs, with a copy beside it. */
const NEEDED_KIB = 8

/**
 * Finds the file of keys: root's in /etc/dropbear for OpenWrt's dropbear; for others, and other users, at home. The owner
 * may have put options before our key (authorized_keys(5)): it is known by itself. A file that did not end with a line's end
 * does so neither afterwards, nor does it get other rights.
 */
const FIND = `umask 077
read -r line; key=\${line#* }; key="\${line%% *} \${key%% *}"; d=/etc/dropbear; [ -d $d ] || { d=$HOME/.ssh; mkdir -p -m 700 $d; }; f=$d/authorized_keys; t=$f.homeward
new=$(mktemp) || exit 1
trap 'rm -f $new $t' EXIT
${WRITING}
isopen() { [ -s $1 ] && [ -n "$(tail -c 1 $1)" ]; }
full() { echo "${NEEDED_KIB} $(${freeKib('$d')})"; exit ${STATUS.full}; }`
/**
 * Adds a key. A file that is cut off lets nobody in: what is there stays, and the line is appended, or not at all. Not by
 * a copy beside it: whoever comes after a loss of power may have no login by which to remove that.
 */
const ADD = `${FIND}
free=$(${freeKib('$d')}); [ "\${free:-${NEEDED_KIB}}" -ge ${NEEDED_KIB} ] || full
size=new; [ ! -f $f ] || { cp -p $f $new && size=$(($(wc -c < $f))); } || exit 1
grep -v '^#' $new | grep -qF "$key" && exit 0
if isopen $new; then printf '\\n%s' "$line" >> $new; else echo "$line" >> $new; fi
grep -qxF "$line" $new || exit 1
old=$size; [ $size != new ] || old=0
tail -c +$((old + 1)) $new 2>/dev/null >> $f && { [ $size != new ] || chmod 600 $f; } && sync && cmp -s $new $f && exit 0
if [ $size = new ]; then rm -f $f; else dd of=$f bs=1 seek=$size count=0 </dev/null 2>/dev/null; fi; full`
/** Removes a key. A file that becomes empty did not exist before. The rest is shorter, so it has room in place. */
const REMOVE = `${FIND}
[ -f $f ] || exit 0
cp -p $f $new || exit 1
grep -vF "$key" $f > $new
grep -vF "$key" $f | cmp -s - $new || exit 1
if isopen $f && [ -s $new ]; then dd of=$new bs=1 seek=$(($(wc -c < $new) - 1)) count=0 </dev/null 2>/dev/null; fi
if [ -s $new ]; then putback $new $f $t || full; else rm -f $f; fi`

/**
 * Gives the router a key, and logs in with it.
 * @param access with the login that the router accepts now.
 * @param left a key of an earlier attempt, which the router may have: it is tried first. Null: there is none.
 * @param keep called with each key before the router has it.
 * @returns the key that the router took.
 * @throws {Problem} `router-login-refused` when the router takes none of them, `router-flash-full`, or what the
 * connection throws.
 */
export async function giveKey(
  access: RouterAccess,
  left: KeyPair | null,
  signal: AbortSignal,
  keep: (pair: KeyPair) => Promise<void>,
): Promise<KeyPair> {
  let refusal: unknown = null
  const others = KEY_KINDS.map((kind) => () => newKeyPair(kind, KEY_COMMENT))
  for (const next of left === null ? others : [async () => left, ...others]) {
    const pair = await next()
    await keep(pair)
    await tell(access, ADD, pair.public, signal)
    try {
      const session = await openSession({ ...access, login: async () => ({ kind: 'key', key: pair.private }) }, signal)
      session.close()
      return pair
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

/** @param line as it was added. @throws {Problem} `router-flash-full`, or what the connection throws. */
export async function removeKey(access: RouterAccess, line: string, signal: AbortSignal): Promise<void> {
  await tell(access, REMOVE, line, signal)
}

async function tell(access: RouterAccess, script: string, line: string, signal: AbortSignal): Promise<void> {
  const session = await openSession(access, signal)
  try {
    const outcome = await session.exec(script, { signal, stdin: `${line}\n` })
    if (outcome.code === STATUS.full)
      throw flashFull(`writing the keys of the router ${access.host}`, '/etc/dropbear', outcome.stdout)
    if (outcome.code !== 0) throw new Refused(outcome)
  } finally {
    session.close()
  }
}
