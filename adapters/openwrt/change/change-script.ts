import { ETC, RUN, tempOf } from '../uci/places.ts'
import { freeKib, WRITING } from '../flash/put-file.ts'
import { EMPTY_CHAINS, KIB_OF_RULES, PRUNE, PUT_RULES, TAKE_RULES } from '../include/put-include.ts'
import { CHANGED_BACK } from './changed-back.ts'
import { LUCI_LEFT, SNAPSHOTS } from '../uci/luci-apply.ts'
import { MARK } from '../uci/sections.ts'

/** Scripts that change the router's configuration, in the shell of busybox. None of them holds a secret. */

/** Exit statuses of our own, beyond those of the shell and of ubus. */
export const STATUS = { pending: 177, full: 178, undone: 179, earlier: 180, unconfirmed: 181 } as const

/** The last line of standard input, by which a script knows that all of it came: a cut-off line also ends the input. */
export const END = '#end'

const FILES = 'network firewall'
const TEMPS = FILES.split(' ').map(tempOf).join(' ')
/** Flash that must stay free after a change: a file system needs room, and a router with a full flash is no good. */
const SPARE_KIB = 16
const RETRY_SECONDS = 10

/** Nobody looks meanwhile. The folder is `$R` from here on: a command has a most length. */
export const LOCK = `R=${RUN}; mkdir -p -m 700 $R; exec 9>$R/lock; flock 9; umask 077`

/**
 * order FROM TO: the files as they are to be replaced. The power may go between the two: there is never a tunnel
 * without its zone, since a zone without a tunnel judges nothing, and a tunnel without one is judged by the defaults.
 */
export const ORDER = `marks() { grep -c "option ${MARK} " $1/network; }
order() { if [ $(marks $1) -gt $(marks $2) ]; then echo network firewall; else echo firewall network; fi; }`

/**
 * Restores files in /etc/config. One that somebody else wrote since is no copy of ours any more: only our sections are
 * put back in it, and in the copy that LuCI would put back. Empty lines count for nothing: a file that there was no
 * room to write in place has some at its end. Fails while there is no room for one: its copy in RAM is then still needed.
 */
const PUT_BACK = `${CHANGED_BACK}
${ORDER}
alike() { [ "$(grep . "$1")" = "$(grep . "$2")" ]; }
back() { all=0; for f in $(order $R/new $R/before); do was=$R/before/$f; ours=$R/new/$f
[ -e $was ] && ! cmp -s $was $ours || continue
[ ! -e ${SNAPSHOTS}/$f ] || cmp -s $was ${SNAPSHOTS}/$f || { changedback $was ${SNAPSHOTS}/$f > $R/back && sed '$d' $R/back > ${SNAPSHOTS}/$f; }
cmp -s $was ${ETC}/$f || alike $ours ${ETC}/$f || { changedback $was ${ETC}/$f > $R/back && [ "$(tail -n 1 $R/back)" = '${END}' ] && sed '$d' $R/back > $R/back.$f || { all=1; continue; }; was=$R/back.$f; }
putback $was ${ETC}/$f ${tempOf('$f')} || all=1; done; return $all; }`
/** Removes what a change leaves in RAM, and files of rules that uci's file does not name. */
const CLEAR = `forget() { rm -rf $R/pending $R/before $R/new $R/undo.* $R/batch $R/stage $R/merged $R/back* $R/rules ${TEMPS}; ${PRUNE}; }`
/** netifd does not undo what it never applied (peers), so our changed interfaces start again; the others stay up. */
const RELOAD = (tunnels: readonly string[]): string =>
  [
    'fw4 -q reload',
    EMPTY_CHAINS,
    'ubus call network reload',
    `for i in ${tunnels.join(' ')}; do ! uci -q get network.$i >/dev/null || ifup $i; done`,
  ].join('; ')

/**
 * Commits the configuration of standard input (lines for `uci batch`, then END), and lets the router undo it by itself
 * after so many seconds. The configuration is staged apart from what people stage: if this is cut off, nothing of it is
 * left among their changes. Comments of others stay: uci would write none, so our sections alone are taken from what it
 * exports, where uci reads the same in that. The new files are made in RAM and compared there, and again on the flash, before they take
 * the old ones' places in one move each; nothing is reloaded before. A job in the background puts the old files back,
 * and makes run what they say; while the flash has no room for them it goes on trying, and what runs is left alone.
 * dropbear takes no command of more than 9,000 bytes (MAX_CMD_LEN in its options), so that nothing is in it twice.
 * Not by start-stop-daemon: busybox's starts nothing while another job of the kind still sleeps.
 * Files of rules come with it (put-include.ts): fw4 is asked what it thinks of the whole before it loads anything, and what
 * it refuses is put back at once.
 * @param token this change's own: a later change is not undone for it.
 * @param writer one line of JSON: the process that makes the change.
 * @param rules how many files of rules are among the lines.
 */
export function applyScript(
  tunnels: readonly string[],
  token: string,
  writer: string,
  seconds: number,
  rules = 0,
): string {
  const hasRules = rules > 0
  return `${LOCK}
[ ! -e $R/pending ] || { echo 'another change is under way, or not taken back yet' >&2; exit ${STATUS.earlier}; }
cat > $R/fn <<'FN'
${WRITING}
${CLEAR}
${PUT_BACK}
FN
. $R/fn
forget
mv $R/fn $R/undo.fn
fail() { forget; echo "$1" >&2; exit 1; }
${LUCI_LEFT}
pending() { [ -z "$(uci changes network; uci changes firewall)" ] || { forget; exit ${STATUS.pending}; }; left=$(lucileft); [ -z "$left" ] || { forget; echo $left; exit ${STATUS.unconfirmed}; }; }
cat > $R/batch
[ "$(tail -n 1 $R/batch)" = '${END}' ] || fail 'it came in part only'
pending
${
  hasRules
    ? `${TAKE_RULES}
`
    : ''
}mkdir -p $R/before $R/new $R/stage $R/merged
for f in ${FILES}; do cp -p ${ETC}/$f $R/before/ && cp -p ${ETC}/$f $R/new/ && cmp -s ${ETC}/$f $R/before/$f || fail "no copy of $f in RAM"; done
said=$(sed '$d' $R/batch | uci -t $R/stage batch 2>&1 >/dev/null)
[ -z "$said" ] || fail "$said"
kib=${rules * KIB_OF_RULES}; changed=
for f in ${FILES}; do
uci -t $R/stage export $f > $R/batch && [ "$(head -n 1 $R/batch)" = "package $f" ] || fail "uci does not export $f"
sed 1d $R/batch > $R/new/$f
uci -t $R/stage export $f | sed 1d | cmp -s - $R/new/$f || fail "no room for $f in RAM"
cmp -s $R/new/$f $R/before/$f || {
changedback $R/new/$f $R/before/$f > $R/back && [ "$(tail -n 1 $R/back)" = '${END}' ] && sed '$d' $R/back > $R/merged/$f && [ "$(uci -c $R/merged export $f | sort)" = "$(sort $R/batch)" ] && cp $R/merged/$f $R/new/$f; }
cmp -s $R/new/$f $R/before/$f && continue
kib=$((kib + ($(wc -c < $R/new/$f) + 4095) / 4096 * 4))
done
pending
for f in $(order $R/before $R/new); do cmp -s $R/new/$f $R/before/$f || changed="$changed $f"; done
kib=$((kib + ${SPARE_KIB}))
hasroom() { free=$(${freeKib(ETC)}); [ "\${free:-$kib}" -ge $kib ]; }
full() { forget; echo "$kib $free"; exit ${STATUS.full}; }
hasroom || full
cat > $R/undo.${token} <<'UNDO'
. ${RUN}/undo.fn
rm ${RUN}/undo.${token} ${RUN}/undo.fn
sleep ${seconds}
${LOCK}
while grep -q ${token} $R/pending 2>/dev/null; do
back && { forget; ${RELOAD(tunnels)}; break; }
flock -u 9; sleep ${RETRY_SECONDS}; flock 9
done 2>/dev/null
${END}
UNDO
printf '%s\\n' ${token} '${writer}' > $R/pending
[ "$(tail -n 1 $R/undo.${token})" = '${END}' ] && [ "$(tail -n 1 $R/pending)" = '${writer}' ] || fail 'no room in RAM'
/bin/sh $R/undo.${token} </dev/null >/dev/null 2>&1 9>&- &
for f in $changed; do said=$(beside $R/new/$f ${tempOf('$f')} 2>&1) || { hasroom || full; fail "$said"; }; done
${
  hasRules
    ? `for n in $names; do said=$(${PUT_RULES} 2>&1) || { hasroom || full; fail "$said"; }; done
`
    : ''
}for f in ${FILES}; do cmp -s $R/before/$f ${ETC}/$f || fail "somebody changed $f meanwhile"; done
for f in $changed; do mv ${tempOf('$f')} ${ETC}/$f && cmp -s $R/new/$f ${ETC}/$f || { ! back || fail "$f was not written"; echo "$f was not written, nor put back yet" >&2; exit 1; }; done
sync
${
  hasRules
    ? `said=$(fw4 check 2>&1) || { back || { echo "fw4 refuses it, and it is not put back yet: $said" >&2; exit 1; }; was=$(fw4 check 2>&1) && fail "fw4 refuses the firewall with homeward's rules: $said"; fail "fw4 refuses this router's firewall, also without homeward's rules: $was"; }
`
    : ''
}rm -rf $R/batch $R/stage $R/rules
fw4 -q reload
ubus call network reload
`
}

/** Keeps the change. Fails with a status of ours when the router has undone it already. */
export function keepScript(token: string): string {
  return `${LOCK}
grep -q ${token} $R/pending 2>/dev/null || exit ${STATUS.undone}
${CLEAR}
forget
${EMPTY_CHAINS}`
}

/** Undoes the change now, if it is this one. Without room for the old files it stays, and nothing is reloaded. */
export function revertScript(tunnels: readonly string[], token: string): string {
  return `${LOCK}
${WRITING}
${CLEAR}
${PUT_BACK}
grep -q ${token} $R/pending 2>/dev/null || exit 0
back 2>/dev/null || { echo "$(($(cat $R/before/* | wc -c) / 1024 + ${SPARE_KIB})) $(${freeKib(ETC)})"; exit ${STATUS.full}; }
forget
${RELOAD(tunnels)}
true`
}

/** Removes what a loss of power left beside the files: nobody uses it any more, and the tunnel's key is in it. */
export const SWEEP = `${LOCK}
[ -e $R/pending ] || { rm -f ${TEMPS}; ${PRUNE}; }`

/** Removes files that are no longer needed when no tunnel of ours is left. */
export const FORGET = `${PRUNE}; ${EMPTY_CHAINS}; rm -rf ${RUN}`
