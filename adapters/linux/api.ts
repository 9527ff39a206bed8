import { readFile, writeFile } from 'node:fs/promises'
import type { Family } from '../../net/address.ts'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { tryLook } from '../../system/process/look.ts'
import { type CommandResult, runCommand, tryCommand } from '../../system/process/run-command.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { IptablesProgram } from '../observation.ts'
import { containerKind, forwardingAdvice } from './container.ts'
import { isCandidate, isMarked, parseLinks, type Replies, removePeersArguments } from './convert.ts'
import { INTERFACE_MARK } from './firewall/mark.ts'
import { readOthers } from './others/read-others.ts'
import { readRuleset } from './others/read-ruleset.ts'
import { readTable } from './read-table.ts'
import { type DiversionReplies, mayBeDiverted, mayHaveChanged, STRANGERS } from './routing/diversion.ts'
import { ROUTE_PROTOCOL } from './routing/policy-rules.ts'
import { LOOSE } from './routing/reverse-path.ts'

/** The programs of a Linux machine and the files of its kernel. Everything here takes a signal and ends in time. */

const FORWARDING = '/proc/sys/net/ipv4/ip_forward'

function reversePathFilterOf(name: string): string {
  return `/proc/sys/net/ipv4/conf/${name}/rp_filter`
}

/** How long many peers may take: a thousand need well under a second; a small VPS under load needs longer. */
const MANY_PEERS_MS = 60_000

/** Peers per command, far below the kernel's limit of arguments (execve(2), "Limits on size of arguments"). */
const PEERS_PER_COMMAND = 500

const ROUTES = ['route', 'show', 'table', 'all', 'proto', ROUTE_PROTOCOL]
const RULES = ['rule', 'show']
const OPTION: Readonly<Record<Family, string>> = { ipv4: '-4', ipv6: '-6' }

/** Questions for a single `ip`, which answers a line each: starting a program costs more than its output. */
const IP_QUESTIONS = [
  ['address', 'show'],
  ROUTES,
  // Routes that the kernel made along with addresses.
  ['route', 'show', 'proto', 'kernel'],
  RULES,
]

/** The last question, and one that fails without any route to there. */
const TO_STRANGER_IPV6 = ['route', 'get', 'fibmatch', STRANGERS.ipv6]

/**
 * Reads all that an observation needs, with as much as possible at once.
 * @param lastRulesIpv6 the policy rules of IPv6 that were read last; null: none were.
 * @throws {Problem} of system/run-command.
 */
export async function readReplies(lastRulesIpv6: string | null, signal: AbortSignal): Promise<Replies> {
  const asking = askIp(signal)
  const listing = readRuleset(signal)
  const [ip, tunnels, ipv4, ipv6, table, others, forwarding, all] = await Promise.all([
    asking,
    asking.then(({ links }) => readTunnels(links, signal)),
    asking.then(({ rules }) => askDiversion('ipv4', rules, () => askToStranger(signal), signal)),
    asking.then(({ toStrangerIpv6 }) => readIpv6(lastRulesIpv6, toStrangerIpv6, signal)),
    listing.then((ruleset) => readTable(ruleset, signal)),
    listing.then((ruleset) => readOthers(ruleset, signal)),
    readFile(FORWARDING, 'utf8'),
    readReversePathFilter('all'),
  ])
  return {
    ...ip,
    dumps: tunnels.dumps,
    rulesIpv6: ipv6.rules,
    diversion: { ipv4, ipv6: ipv6.diversion },
    ...table,
    others,
    forwarding,
    reversePathFilter: { all, own: tunnels.filters },
  }
}

/** Reads each interface that is ours, or could be; interfaces that somebody else uses are not asked. */
async function readTunnels(
  links: string,
  signal: AbortSignal,
): Promise<{ readonly dumps: ReadonlyMap<string, string>; readonly filters: ReadonlyMap<string, string> }> {
  const all = parseLinks(links)
  // A missing wg is found by looking, before anything is changed.
  if (!all.some(isCandidate)) await runCommand('wg', ['--version'], { signal })
  const [dumps, filters] = await Promise.all([
    Promise.all(all.filter(isCandidate).map(async ({ name }) => [name, await readDump(name, signal)] as const)),
    Promise.all(all.filter(isMarked).map(async ({ name }) => [name, await readReversePathFilter(name)] as const)),
  ])
  return {
    dumps: new Map(dumps.flatMap(([name, dump]) => (dump === null ? [] : [[name, dump]]))),
    filters: new Map(filters),
  }
}

async function readReversePathFilter(name: string): Promise<string> {
  return readFile(reversePathFilterOf(name), 'utf8').catch(() => '0')
}

async function askIp(
  signal: AbortSignal,
): Promise<Pick<Replies, 'links' | 'routes' | 'networks' | 'rules'> & { readonly toStrangerIpv6: string | null }> {
  const questions = [...IP_QUESTIONS, TO_STRANGER_IPV6]
  const input = questions.map((words) => `${words.join(' ')}\n`).join('')
  const { exitCode, stdout, stderr } = await tryLook('ip', ['-j', '-d', '-batch', '-'], { input, signal })
  const [links, routes, networks, rules, toStrangerIpv6 = null, ...more] = stdout.trim().split('\n')
  // ip ends at the first question that fails, and says which.
  const isLast = stderr.includes(`Command failed -:${questions.length}`)
  if (exitCode !== 0 && !isLast) throw new Problem('command-failed', { what: 'ip -batch', why: stderr.trim() })
  if (links === undefined || routes === undefined || networks === undefined || rules === undefined || more.length > 0)
    throw new Problem('command-failed', {
      what: 'ip -batch',
      why: `it gave ${stdout.trim().split('\n').length} answers to ${questions.length} questions`,
    })
  return { links, routes, networks, rules, toStrangerIpv6 }
}

/** Asks which way packets to a stranger take, where somebody's rules may take them; null: nobody's do. */
async function askDiversion(
  family: Family,
  rules: string,
  askStranger: () => Promise<string | null>,
  signal: AbortSignal,
): Promise<DiversionReplies | null> {
  if (!mayBeDiverted(rules)) return null
  const [toStranger, { stdout: defaults }] = await Promise.all([
    askStranger(),
    runCommand('ip', ['-j', OPTION[family], 'route', 'show', 'default'], { signal }),
  ])
  return { rules, toStranger, defaults }
}

/** Reads the policy rules of IPv6 by a program of its own, which most looks can do without; and whom they divert. */
async function readIpv6(
  last: string | null,
  toStranger: string | null,
  signal: AbortSignal,
): Promise<{ readonly rules: string; readonly diversion: DiversionReplies | null }> {
  const isKnown = last !== null && !mayHaveChanged(last, toStranger)
  const rules = isKnown ? last : await readRules(signal, 'ipv6')
  return { rules, diversion: await askDiversion('ipv6', rules, async () => toStranger, signal) }
}

async function askToStranger(signal: AbortSignal): Promise<string | null> {
  const question = ['-j', '-4', 'route', 'get', 'fibmatch', STRANGERS.ipv4]
  const { exitCode, stdout } = await tryCommand('ip', question, { signal })
  // Fails without any route, as on a machine that is offline.
  return exitCode === 0 ? stdout : null
}

export async function readLinks(signal: AbortSignal): Promise<string> {
  return (await runCommand('ip', ['-j', '-d', 'address', 'show'], { signal })).stdout
}

/** Reads the routes with our mark, in every routing table. */
export async function readRoutes(signal: AbortSignal): Promise<string> {
  return (await runCommand('ip', ['-j', '-4', ...ROUTES], { signal })).stdout
}

/** Reads the policy rules of a family; none where the kernel lacks it. */
export async function readRules(signal: AbortSignal, family: Family = 'ipv4'): Promise<string> {
  return (await answerOf('ip', ['-j', OPTION[family], ...RULES], /not supported/, signal)) ?? '[]'
}

/** Changes the rules in one transaction; waits for other programs that change them. */
export async function restoreIptables(place: IptablesProgram, text: string, signal: AbortSignal): Promise<void> {
  await runCommand(`${place}-restore`, ['--noflush', '--wait', '5'], { input: text, signal })
}

/** Reads a dump; null when there is no WireGuard of that name. Holds secrets: only for the parser. */
export async function readDump(interfaceName: string, signal: AbortSignal): Promise<string | null> {
  // No such interface; not a WireGuard one; a wireguard-go that died (wg then asks the kernel, which has no WireGuard),
  // or that another user started, so that its socket is closed to us.
  const none = /No such device|(Operation|Protocol) not supported|Connection refused|Permission denied/
  return answerOf('wg', ['show', interfaceName, 'dump'], none, signal)
}

/** @throws {Problem} `command-failed` on any failure but the one that means "there is none". */
async function answerOf(
  file: string,
  args: readonly string[],
  none: RegExp,
  signal: AbortSignal,
): Promise<string | null> {
  const result = await tryLook(file, args, { signal })
  if (result.exitCode === 0) return result.stdout
  if (none.test(result.stderr)) return null
  throw new Problem('command-failed', { what: [file, ...args].join(' '), why: result.stderr.trim() })
}

export async function markInterface(name: string, signal: AbortSignal): Promise<void> {
  await ip(['link', 'set', 'dev', name, 'alias', INTERFACE_MARK], signal)
}

export async function ip(args: readonly string[], signal: AbortSignal): Promise<CommandResult> {
  return runCommand('ip', args, { signal })
}

/** Runs several `ip` commands, one a line; stops at the first that fails. */
export async function ipBatch(lines: readonly string[], signal: AbortSignal, family: Family = 'ipv4'): Promise<void> {
  await runCommand('ip', [OPTION[family], '-batch', '-'], { input: `${lines.join('\n')}\n`, signal })
}

export async function wgSet(name: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  await runCommand('wg', ['set', name, ...args], { signal })
}

export async function readPublicKey(name: string, signal: AbortSignal): Promise<string> {
  return (await runCommand('wg', ['show', name, 'public-key'], { signal })).stdout.trim()
}

/**
 * Adds or changes peers by `wg addconf`.
 * @param text holds secrets, hence standard input. wg opens /dev/stdin again, which fails on the socket that Node makes
 * (open(2), ENXIO); a pipe from `cat` can be opened.
 */
export async function addPeers(name: string, text: string, signal: AbortSignal): Promise<void> {
  const script = 'cat | wg addconf "$1" /dev/stdin'
  const result = await tryCommand('sh', ['-c', script, 'sh', name], { input: text, timeoutMs: MANY_PEERS_MS, signal })
  if (result.exitCode === 0) return
  // wg quotes a line that it cannot read, which may hold a secret.
  const said = result.stderr
    .replaceAll(/`[^']*'?/g, '(not shown)')
    .trim()
    .split('\n')
    .join('; ')
  throw new Problem('command-failed', { what: `wg addconf ${name}`, why: said })
}

export async function removePeers(name: string, keys: readonly PublicKey[], signal: AbortSignal): Promise<void> {
  for (let first = 0; first < keys.length; first += PEERS_PER_COMMAND)
    await runCommand('wg', removePeersArguments(name, keys.slice(first, first + PEERS_PER_COMMAND)), {
      timeoutMs: MANY_PEERS_MS,
      signal,
    })
}

export async function nft(text: string, signal: AbortSignal): Promise<void> {
  await runCommand('nft', ['-f', '-'], { input: text, timeoutMs: 30_000, signal })
}

/** Has the kernel take what comes in by this interface from any source that it has a route to. */
export async function loosenReversePath(name: string): Promise<void> {
  await writeFile(reversePathFilterOf(name), `${LOOSE}\n`)
}

/** The whole of /proc/sys is mounted read-only, or this file of it belongs to the host: in neither can a sysctl line work. */
function isReadOnly(thrown: unknown): boolean {
  return ['EROFS', 'EACCES', 'EPERM'].includes((thrown as NodeJS.ErrnoException).code ?? '')
}

/** @throws {Problem} `step-failed` where /proc/sys is read-only, as in many containers. */
export async function setForwarding(value: '0' | '1'): Promise<void> {
  try {
    await writeFile(FORWARDING, `${value}\n`)
  } catch (thrown) {
    throw forwardingRefused(thrown, value, await containerKind())
  }
}

/** @param thrown what writing the tunable failed with. */
export function forwardingRefused(thrown: unknown, value: '0' | '1', container: string | null): Problem {
  return new Problem('step-failed', {
    what: `writing ${FORWARDING}`,
    why: reasonOf(thrown),
    next: forwardingAdvice(isReadOnly(thrown) ? container : null, value),
    cause: thrown,
  })
}
