import { Problem } from '../../../problems/problem.ts'
import type { Exec } from '../ssh/exec.ts'
import { ANSWERS } from '../include/answers.ts'
import { FILES, FOLDER } from '../include/include.ts'
import { UNNAMED } from '../include/put-include.ts'
import { LUCI_LEFT, SNAPSHOTS } from '../uci/luci-apply.ts'
import { RUN, tempOf } from '../uci/places.ts'
import { MARK } from '../uci/sections.ts'

/** Everything about our tunnels and around them, as one command on the router reports it. */
export interface Look {
  readonly part: (name: Part) => string
}

const PARTS = [
  'own',
  'stamp',
  'now',
  'wg',
  'links',
  'addresses',
  'routes',
  'network',
  'firewall',
  'changes',
  'key',
  'interfaces',
  'handlers',
  'tools',
  'nft',
  'includes',
  'answers',
  'reverse',
  'pending',
  'luci',
] as const
/** `others` is a checksum of what the stamp does not tell of: only what heeds the router all the time says it. */
type Part = (typeof PARTS)[number] | 'others'

/** How many seconds a look waits for a change that is under way, and its exit status when that takes longer. */
const MOST_WAITS = 6
const BUSY = 182

const FW4_LOCK = '/var/run/fw4.lock'

/** The head of a part: nothing in anybody's configuration begins a line like this. */
export const HEAD = '=== homeward '

/**
 * Prints WireGuard's state without keys that are secret: 5 columns are an interface, 9 a peer. By the shell itself,
 * which starts no program for it.
 */
const DUMP = `wg show all dump 2>/dev/null | while IFS='\t' read -r i a b c d e f g h; do
if [ -z "$e" ]; then printf '%s\\t-\\t%s\\t%s\\t%s\\n' "$i" "$b" "$c" "$d"
else [ "$b" = '(none)' ] || b=set; printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$i" "$a" "$b" "$c" "$d" "$e" "$f" "$g" "$h"; fi; done`

/** Our files of rules. */
export const OWN_FILES = `${FOLDER}/${FILES}*`

/** The time, for which busybox's shell needs no program. */
const NOW = 'echo "${EPOCHSECONDS:-$(date +%s)}"'

/**
 * Checksums of all that tells of a change: files, what people stage, the loaded firewall's state (fw4 writes it with
 * each load), routes, and the devices. What is not there is told too. `$of` holds the files of our devices.
 */
const STAMP = `md5sum /etc/config/network /etc/config/firewall /tmp/.uci/network /tmp/.uci/firewall ${RUN}/pending /var/run/fw4.state ${SNAPSHOTS}/network ${SNAPSHOTS}/firewall /proc/net/route ${OWN_FILES} $of`
const DEVICE_FILES = ['ifindex', 'flags', 'mtu'] as const

/** How the files of our devices come into `$of`, from their names in `$own`. */
export const OF_OWN = `of=; for i in $own; do of="$of ${deviceFiles('$i')}"; done`

function part(of: Part, command: string): string {
  return `echo '${HEAD}${of}'; ${command}`
}

function deviceFiles(name: string): string {
  return DEVICE_FILES.map((file) => `/sys/class/net/${name}/${file}`).join(' ')
}

/** The parts of a look at what changes all the time, and at whether anything else did; of the devices in `$of`. */
const CALM = [part('stamp', `${STAMP} 2>&1`), part('now', NOW), part('wg', DUMP)].join('; ')
/** The loaded firewall without what counts, the filters of senders, and for `rules` in `$ask` policy rules with all routes. */
const OTHERS =
  '{ nft -st list table inet fw4; [ $ask != rules ] || { ip -4 rule show; ip -4 route show table all; }; for i in all $own; do r=; read -r r < /proc/sys/net/ipv4/conf/$i/rp_filter; echo "$i $r"; done; } 2>/dev/null'
/** The same with the checksum of others, of one program: a small router feels each that is started. */
export const HEEDED = [part('stamp', `${OTHERS} | ${STAMP} - 2>&1`), part('now', NOW), part('wg', DUMP)].join('; ')
/** The checksum of what a program was given, among those of files (md5sum(1)). */
const GIVEN = /^[\da-f]{32} {2}-$/
export const END = `echo '${HEAD}end'`

/** The script of such a look. @param own our devices. */
export function calmScript(own: readonly string[]): string {
  return [`of='${own.map(deviceFiles).join(' ')}'`, CALM, END].join('; ')
}

/**
 * The script of a look. Waits for a change that is under way, so that none is seen half done; but not for ever. No
 * secret leaves the router: keys are dropped from wg's dump and from uci's, and the configured one is shown as its
 * public half. In the shell and the tools of busybox as OpenWrt builds it.
 */
const SCRIPT = script()

function script(): string {
  const hideKeys = 'sed -e "s/\\(\\.private_key=\\).*/\\1\'-\'/" -e "s/\\(\\.preshared_key=\\).*/\\1\'-\'/"'
  return [
    `mkdir -p -m 700 ${RUN}; exec 9>${RUN}/lock; n=0; until flock -s -n 9; do n=$((n + 1)); [ $n -le ${MOST_WAITS} ] || exit ${BUSY}; sleep 1; done`,
    `own=$(uci show network | sed -n 's/^network[.]\\([a-z0-9_]*\\)[.]${MARK}=.*/\\1/p'); known=`,
    OF_OWN,
    part('own', 'echo $own'),
    // Before all else: what changes while the rest is read is then seen by the next look.
    part('stamp', `${STAMP} 2>&1`),
    `f=$(uci show firewall)`,
    // Of a device with a long name, the zone has another.
    `zones=$(printf "%s\\n" "$f" | sed -n "s/^firewall[.]homeward_[a-z0-9_]*_zone[.]name='\\(.*\\)'$/\\1/p")`,
    part('now', NOW),
    part('wg', DUMP),
    part('links', 'ip -o link show 2>/dev/null'),
    part('addresses', 'ip -4 -o addr show 2>/dev/null'),
    part('routes', 'ip -4 route show'),
    part('network', `uci show network | ${hideKeys}`),
    part('firewall', 'printf "%s\\n" "$f"'),
    part('changes', "uci changes | sed -e 's/=.*//' -e '/^-*network[.]/b' -e '/^-*firewall[.]/b' -e d"),
    part('key', 'for i in $own; do echo "$i $(uci -q get network.$i.private_key | wg pubkey 2>/dev/null)"; done'),
    part('interfaces', 'ubus call network.interface dump'),
    // A router on which one of these interfaces runs knows the protocol.
    part(
      'handlers',
      `for i in $own; do [ ! -e /sys/class/net/$i ] || known=1; done; if [ -n "$known" ]; then echo '"wireguard"'; else ubus call network get_proto_handlers | grep -o '"wireguard"'; fi`,
    ),
    part('tools', 'command -v wg; ls /lib/netifd/proto'),
    part(
      'nft',
      // While fw4 loads the table, it holds this lock (its own script, sbin/fw4).
      `[ ! -e ${FW4_LOCK} ] || { exec 8<>${FW4_LOCK}; flock -s 8; }; nft list table inet fw4 2>/dev/null | grep -F -e 'chain ' -e homeward -e "\${own:-homeward}" -e "\${zones:-homeward}"; exec 8>&-`,
    ),
    part('includes', `sha256sum ${OWN_FILES} 2>/dev/null`),
    part('answers', ANSWERS),
    // A shell that reads byte by byte gets the first byte of such a file, and an error for the end of its line.
    part(
      'reverse',
      'for i in all $own; do r=; read -r r 2>/dev/null < /proc/sys/net/ipv4/conf/$i/rp_filter; echo "$i $r"; done',
    ),
    part(
      'pending',
      `cat ${RUN}/pending 2>/dev/null; ls ${tempOf('network')} ${tempOf('firewall')} 2>/dev/null; ${UNNAMED}`,
    ),
    part('luci', `${LUCI_LEFT}\nlucileft`),
    END,
  ].join('; ')
}

/**
 * Looks.
 * @throws {Problem} `router-busy` while another process changes the router; what `exec` throws.
 * @throws {SyntaxError} when the answer is cut off: it must not pass for an empty router.
 */
export async function look(exec: Exec, signal: AbortSignal): Promise<Look> {
  const { code, stdout, stderr } = await exec(SCRIPT, { signal })
  if (code === BUSY)
    throw new Problem('router-busy', {
      what: 'looking at the router',
      why: `another process of homeward is changing it, for more than ${MOST_WAITS} s now`,
    })
  return partsIn(stdout, stderr, PARTS)
}

/** Reads the parts of an answer. @throws {SyntaxError} when one is missing, or the end. */
export function partsIn(stdout: string, stderr: string, wanted: readonly Part[]): Look {
  const deps = new Map<string, string>()
  for (const chunk of stdout.split(HEAD).slice(1)) {
    const at = chunk.indexOf('\n')
    deps.set(chunk.slice(0, at), chunk.slice(at + 1))
  }
  if (!deps.has('end') || wanted.some((name) => !deps.has(name)))
    throw new SyntaxError(`the router’s answer is cut off${stderr === '' ? '' : ` (${stderr.trim().slice(0, 200)})`}`)
  return { part: (name) => deps.get(name) ?? '' }
}

/** Reads the answer of a shell that heeds the router. @throws {SyntaxError} when it is none. */
export function heededIn(lines: readonly string[]): Look {
  const others = lines.filter((line) => GIVEN.test(line))
  if (others.length !== 1) throw new SyntaxError('the router’s answer has no checksum')
  const said = [`${HEAD}others`, ...others, ...lines.filter((line) => !GIVEN.test(line))]
  return partsIn(said.map((line) => `${line}\n`).join(''), '', ['stamp', 'now', 'wg', 'others'])
}
