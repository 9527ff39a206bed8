import { Problem } from '../../../problems/problem.ts'
import { tryCommand } from '../../../system/process/run-command.ts'

/**
 * Applets of busybox that OpenWrt builds in and that every build of Debian's has; so no nohup, setsid, timeout, base64, stat,
 * diff, od, xxd and truncate, which OpenWrt lacks.
 */
export const APPLETS = (
  '[ [[ awk basename cat chgrp chmod chown cmp cp cut date dd df dirname dmesg du echo egrep env expr false fgrep find free ' +
  'grep gunzip gzip head hexdump hostname id ip kill killall less ln logger ls lsmod md5sum mkdir mkfifo mknod mktemp mount mv nc ' +
  'netstat nslookup pidof ping printf ps pwd readlink rm rmdir rmmod route sed seq sha256sum sleep sort start-stop-daemon ' +
  'strings sysctl tail tar tee test time top touch tr true umount uname uniq uptime vi wc wget which xargs yes zcat'
).split(' ')

/** What keeps an OpenWrt router from being made of this machine's busybox, one sentence; none when it is not there at all. */
export async function whatBusyboxLacks(busybox = 'busybox'): Promise<readonly string[]> {
  const listed = await tryCommand(busybox, ['--list']).catch(whereMissing)
  if (listed === null) return []
  const missing = APPLETS.filter((applet) => !listed.stdout.split('\n').includes(applet))
  if (missing.length === 0) return []
  const what = missing.length === APPLETS.length ? 'does not list its applets' : `lacks ${missing.join(', ')}`
  return [
    `${busybox} ${what}, and the simulated OpenWrt router is made of them: take Debian's package busybox or busybox-static, ` +
      'and any other out of the search path',
  ]
}

function whereMissing(thrown: unknown): null {
  if (thrown instanceof Problem && thrown.code === 'tool-missing') return null
  throw thrown
}
