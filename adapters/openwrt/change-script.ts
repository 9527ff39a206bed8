import { RUN } from './places.ts'

/** What runs on the router when its configuration is changed, in the shell of busybox. No secret stands in any of it. */

/** Statuses of our own, beyond those of the shell and of ubus. */
export const STATUS = { pending: 177, undone: 179 } as const

/** The last line of what comes by standard input: a line that is cut off ends it no less than its end does. */
export const END = '#end'

const LOCK = `mkdir -p -m 700 ${RUN}; exec 9>${RUN}/lock; flock 9; umask 077`

/** Files in /etc/config as they were, put back in one move each. */
const PUT_BACK = `for f in network firewall; do [ ! -e ${RUN}/before/$f ] || { cp -p ${RUN}/before/$f /etc/config/.$f.homeward && mv /etc/config/.$f.homeward /etc/config/$f; }; done`
const CLEAR = `rm -rf ${RUN}/pending ${RUN}/before ${RUN}/undo.* ${RUN}/batch ${RUN}/stage`
/** netifd does not take back what it never applied (peers), so an interface of ours begins anew. */
const RELOAD = (name: string): string =>
  `fw4 -q reload; ubus call network reload; ! uci -q get network.${name} >/dev/null || ifup ${name}`

/**
 * Makes the configuration of what comes by standard input (lines for `uci batch`, then END), and lets the router take it
 * back by itself after so many seconds. It is staged apart from what people stage: cut off in between, nothing of it is left
 * among their changes. With rpcd that is its own rollback, which commits nobody else's changes; whatever becomes of rpcd, a
 * job in the background puts the old files back a little later, and makes run what they say.
 * Not by start-stop-daemon: busybox's starts nothing while another job of the kind still sleeps.
 * @param token this change's own: a later one is not undone for it.
 * @param writer one line of JSON: who is at it.
 */
export function applyScript(name: string, token: string, writer: string, seconds: number): string {
  const session = (verb: string, object: string, more = ''): string =>
    `ubus call ${object} ${verb} "{\\"ubus_rpc_session\\":\\"$sid\\"${more}}"`
  const rights = ['network', 'firewall']
    .flatMap((file) => ['read', 'write'].map((right) => `[\\"${file}\\",\\"${right}\\"]`))
    .join(',')
  return `${LOCK}
cat > ${RUN}/batch
[ "$(tail -n 1 ${RUN}/batch)" = '${END}' ] || { rm ${RUN}/batch; echo 'it came in part only' >&2; exit 1; }
[ -z "$(uci changes network; uci changes firewall)" ] || { rm ${RUN}/batch; exit ${STATUS.pending}; }
mkdir -p ${RUN}/before && cp -p /etc/config/network /etc/config/firewall ${RUN}/before/ || exit 1
cat > ${RUN}/undo.${token} <<'UNDO'
rm ${RUN}/undo.${token}
sleep ${seconds + 1}
${LOCK}
grep -q ${token} ${RUN}/pending 2>/dev/null || exit 0
${PUT_BACK}
${CLEAR}
${RELOAD(name)}
UNDO
sid=-
stage=${RUN}/stage
rm -rf $stage
if ubus list session >/dev/null 2>&1 && ubus list uci >/dev/null 2>&1; then
sid=$(ubus call session create '{"timeout":${seconds + 60}}' | sed -n 's/.*"ubus_rpc_session": *"\\([0-9a-f]*\\)".*/\\1/p')
[ -n "$sid" ] && ${session('grant', 'session', `,\\"scope\\":\\"uci\\",\\"objects\\":[${rights}]`)} >/dev/null || { ${CLEAR}; echo 'rpcd gives no session' >&2; exit 1; }
stage=/var/run/rpcd/uci-$sid
fi
mkdir -p $stage
said=$(sed '$d' ${RUN}/batch | uci -t $stage batch 2>&1 >/dev/null)
rm ${RUN}/batch
[ -z "$said" ] || { [ $sid = - ] || ${session('destroy', 'session')}; ${CLEAR}; echo "$said" >&2; exit 1; }
printf '%s\\n' ${token} $sid '${writer}' > ${RUN}/pending
/bin/sh ${RUN}/undo.${token} </dev/null >/dev/null 2>&1 9>&- &
if [ $sid = - ]; then uci -t $stage commit network && uci -t $stage commit firewall
else ${session('apply', 'uci', `,\\"rollback\\":true,\\"timeout\\":${seconds}`)}; fi || { [ $sid = - ] || ${session('destroy', 'session')}; ${PUT_BACK}; ${CLEAR}; exit 1; }
rm -rf ${RUN}/stage
fw4 -q reload
ubus call network reload
`
}

/** The change stays. Fails with a status of ours when the router has undone it already. */
export function keepScript(token: string): string {
  return `${LOCK}
grep -q ${token} ${RUN}/pending 2>/dev/null || exit ${STATUS.undone}
sid=$(sed -n 2p ${RUN}/pending)
[ $sid = - ] || ubus call uci confirm "{\\"ubus_rpc_session\\":\\"$sid\\"}" 2>/dev/null || exit ${STATUS.undone}
${CLEAR}
[ $sid = - ] || ubus call session destroy "{\\"ubus_rpc_session\\":\\"$sid\\"}"
true`
}

/** The change goes, now. Nothing happens when there is none, or another. */
export function revertScript(name: string, token: string): string {
  return `${LOCK}
grep -q ${token} ${RUN}/pending 2>/dev/null || exit 0
sid=$(sed -n 2p ${RUN}/pending)
[ $sid = - ] || { ubus call uci rollback "{\\"ubus_rpc_session\\":\\"$sid\\"}"; ubus call session destroy "{\\"ubus_rpc_session\\":\\"$sid\\"}"; } >/dev/null 2>&1
${PUT_BACK}
${CLEAR}
${RELOAD(name)}
true`
}

/** What nobody needs when no tunnel of ours is left. */
export const FORGET = `rm -rf ${RUN}`
