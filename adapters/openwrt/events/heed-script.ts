import { END, HEAD, HEEDED, OF_OWN, OWN_FILES } from '../observe/look.ts'
import { RUN } from '../uci/places.ts'

/** The lines by which the router's shell says what it is about. */
export const SAYS = {
  begun: `${HEAD}begun`,
  changed: `${HEAD}changed`,
  alive: `${HEAD}alive`,
  end: `${HEAD}end`,
} as const

/** The lines that it takes. */
export const ASKS = {
  pulse: 'pulse',
  /** @param own our devices. @param hasRules we have policy rules, which are compared then. */
  look: (own: readonly string[], { hasRules }: { readonly hasRules: boolean }): string =>
    `${hasRules ? 'rules' : 'look'} ${own.join(' ')}`.trim(),
} as const

/** Its exit statuses: what told of interfaces ended, and there is nothing that could. */
export const STATUS = { deaf: 183, unable: 184 } as const

/**
 * How often it may compare, and nobody asked anything, until it ends by itself. It reads at the end of its input too, which it cannot tell from
 * a second that passed: there it comes to its end at once.
 */
const MOST_UNASKED = 90

/** How many seconds it compares each second after a change, where another may follow; else each two seconds. */
const FAST = 60

/** Files that a program writes whenever it changes something, and those that are there while something is staged. */
const WRITTEN = ['/etc/config/network', '/etc/config/firewall', '/var/run/fw4.state', `${RUN}/pending`, OWN_FILES]
const STAGED = ['/tmp/.uci/network', '/tmp/.uci/firewall']

/**
 * A shell that stays, and heeds the router: `ubus listen` says at once when an interface went up or down (netifd,
 * netifd_ubus_interface_event), and each second or two the shell itself compares what tells of other changes, by means
 * that start no program: which files are newer than its own, and whether our devices are there. It runs by the name of busybox's
 * ash, whose `read` has a time limit. It takes no secret, and says none. What another one left that was killed it ends.
 */
export const HEED = asArgument(
  [
    `command -v ubus >/dev/null || exit ${STATUS.unable}`,
    `mkdir -p -m 700 ${RUN} || exit ${STATUS.unable}`,
    // By the number of its shell, the number of its ubus.
    `for f in ${RUN}/heed.*; do [ -e "$f" ] && [ ! -e /proc/\${f##*.} ] || continue; read -r u < "$f"; c=; read -r c < /proc/$u/cmdline; case $c in *ubus*listen*) kill $u ;; esac; rm -f "$f" ${RUN}/seen.\${f##*.}.*; done 2>/dev/null`,
    'ubus listen network.interface 2>/dev/null & u=$!',
    `m=${RUN}/heed.$$; old=${RUN}/seen.$$.1; new=${RUN}/seen.$$.2`,
    'trap \'kill $u 2>/dev/null; rm -f "$m" "$old" "$new"\' EXIT',
    "trap 'exit 0' HUP INT PIPE TERM",
    'echo $u > "$m"; : > "$old"; : > "$new"',
    // Of what is there, and whether anything was written since: no file is read, and no program started.
    `state() { s=; n=; for f in ${STAGED.join(' ')}; do [ -s $f ] && s=$s+ || s=$s-; done; for i in $own; do [ -d /sys/class/net/$i ] && s=$s+ || s=$s-; done; for f in ${WRITTEN.join(' ')}; do [ -e $f ] && s=$s+ || s=$s-; [ $f -nt "$old" ] && n=1; done; }`,
    'own=; idle=0; again=1; fast=0; t=1; state; was=$s',
    `echo '${SAYS.begun}'`,
    'while :; do',
    'if read -r -t $t ask names; then',
    'idle=0; c=; read -r c < /proc/$u/cmdline',
    // A program that ended, and that nobody waited for, has no command line.
    `[ -n "$c" ] || exit ${STATUS.deaf}`,
    'case $ask in',
    `look | rules) own=$names; ${OF_OWN}; state; was=$s; ${HEEDED}; ${END} ;;`,
    `*) echo '${SAYS.alive}' ;;`,
    'esac',
    'else',
    `idle=$((idle + 1)); [ $idle -lt ${MOST_UNASKED} ] || exit 0`,
    'state; hint=; [ "$s" = "$was" ] || { hint=1; was=$s; }',
    // Times are whole seconds here: what was written in the one in which a file was made to compare with is not newer. So
    // there is another hint a second later, and only then is compared with that file.
    'if [ -n "$again" ]; then hint=1; again=; f=$old; old=$new; new=$f',
    'elif [ -n "$n" ]; then hint=1; again=1; : > "$new"; fi',
    `[ -z "$hint" ] || { fast=${FAST}; echo '${SAYS.changed}'; }`,
    'if [ $fast -gt 0 ]; then t=1; fast=$((fast - 1)); else t=2; fi',
    'fi',
    'done',
  ].join('\n'),
)

function asArgument(script: string): string {
  return `exec busybox ash -c '${script.replaceAll("'", "'\\''")}'`
}

/** The interface that a line of `ubus listen` speaks of; null: it is no such line. */
export function interfaceIn(line: string): string | null {
  const [, name] = /^\{ "network\.interface": \{.*"interface":\s*"([^"]*)".*\} \}$/.exec(line) ?? []
  return name ?? null
}
