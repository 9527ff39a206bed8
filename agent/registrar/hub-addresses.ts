import { lookup } from 'node:dns/promises'
import { isIP, isIPv4 } from 'node:net'
import { join } from 'node:path'
import * as v from 'valibot'
import { NAT64_NAME, translatedBy } from '../../protocol/nat64.ts'
import { OUTSIDE } from '../../protocol/no-route.ts'
import { routeEnds } from '../../system/sockets/route-ends.ts'
import { Problem } from '../../problems/problem.ts'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { readJsonFile } from '../../system/files/json-file.ts'
import { branchSignal } from '../../system/time/branch-signal.ts'
import { sleep } from '../../system/time/sleep.ts'

/** Addresses that names had when they last resolved. */
const KnownSchema = v.record(v.string(), v.array(v.string()))
type KnownAddresses = v.InferOutput<typeof KnownSchema>

/** Resolves a name by the system's resolver, so that /etc/hosts counts. */
export type Resolve = (name: string) => Promise<readonly string[]>

/** The limit of resolving: getaddrinfo cannot be interrupted, and may take half a minute where no server answers. */
const RESOLVE_MS = 3_000

/** Whether this machine has a route to a literal. */
export type HasRoute = (address: string) => Promise<boolean>

/**
 * The hub's addresses as literals, in the order of the configuration, those that this line can reach first. At boot
 * there may be no DNS yet: then a name stands for its last addresses, since a tunnel to an old address may recover and
 * no tunnel cannot.
 * @throws {Problem} `name-unresolved` when none of the names resolves.
 */
export async function hubAddresses(
  names: readonly string[],
  stateDir: string,
  signal: AbortSignal,
  resolve: Resolve = resolveBySystem,
  hasRoute: HasRoute = routed,
): Promise<readonly string[]> {
  const path = hubAddressesPath(stateDir)
  const known = await readKnown(path)
  const now = Object.fromEntries(
    await Promise.all(
      names
        .filter((name) => isIP(name) === 0)
        .map(async (name) => [name, await resolveInTime(name, resolve, signal)] as const),
    ),
  )
  const used = Object.fromEntries(
    Object.entries(now).map(([name, found]) => [name, found.length > 0 ? found : (known[name] ?? [])]),
  )
  const literals = [...new Set(names.flatMap((name) => (isIP(name) === 0 ? (used[name] ?? []) : [name])))]
  if (literals.length === 0)
    throw new Problem('name-unresolved', {
      what: 'finding the hub',
      why: `${names.join(', ')} ${names.length === 1 ? 'does' : 'do'} not resolve`,
    })
  const reached = await onThisLine(literals, hasRoute, async () => {
    const found = await resolveInTime(NAT64_NAME, resolve, signal)
    used[NAT64_NAME] = found.length > 0 ? found : (known[NAT64_NAME] ?? [])
    return used[NAT64_NAME]
  })
  // The file is written rarely: only when a name leads elsewhere than before.
  if (Object.keys(used).length > 0 && JSON.stringify(used) !== JSON.stringify(known)) {
    // Without the file the next boot needs DNS; that is no reason not to begin.
    await writeFileAtomic(path, `${JSON.stringify(used)}\n`).catch(() => undefined)
  }
  return reached
}

/**
 * The addresses in the order in which this line should try them: those to which a route leads; then IPv4 addresses as
 * this line's NAT64 translates them, where none leads to them; then the rest, since a line may get what it lacks.
 * @param findNat64 what ipv4only.arpa resolves to here.
 */
async function onThisLine(
  literals: readonly string[],
  hasRoute: HasRoute,
  findNat64: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const routes = await Promise.all(literals.map(hasRoute))
  const lacking = literals.filter((_, index) => routes[index] === false)
  const nat64 = lacking.some(isIPv4) && (await hasRoute(OUTSIDE.IPv6)) ? await findNat64() : []
  const translated = lacking.filter(isIPv4).flatMap((ipv4) => translatedBy(ipv4, nat64))
  return [...new Set([...literals.filter((one) => !lacking.includes(one)), ...translated, ...lacking])]
}

async function routed(address: string): Promise<boolean> {
  return (await routeEnds(address)) !== null
}

/**
 * The addresses that each of the hub's names resolves to at this moment, with the literals of the configuration as they
 * are; null when there are no names, or none resolves.
 */
export async function resolveEach(
  names: readonly string[],
  signal: AbortSignal,
  resolve: Resolve = resolveBySystem,
): Promise<readonly (readonly [name: string, addresses: readonly string[]])[] | null> {
  if (names.every((name) => isIP(name) !== 0)) return null
  const found = await Promise.all(
    names.map(async (name) => [name, isIP(name) === 0 ? await resolveInTime(name, resolve, signal) : [name]] as const),
  )
  return found.some(([name, addresses]) => isIP(name) === 0 && addresses.length > 0) ? found : null
}

/** As resolveEach, all addresses together. */
export async function resolveHub(
  names: readonly string[],
  signal: AbortSignal,
  resolve: Resolve = resolveBySystem,
  hasRoute: HasRoute = routed,
): Promise<readonly string[] | null> {
  const reached = (literals: readonly string[]): Promise<readonly string[]> =>
    onThisLine(literals, hasRoute, () => resolveInTime(NAT64_NAME, resolve, signal))
  if (names.every((name) => isIP(name) !== 0)) {
    // A line that began without IPv4 may have found its NAT64 since.
    const now = await reached(names)
    return now.length > names.length ? now : null
  }
  const found = await Promise.all(
    names.map(async (name) => (isIP(name) === 0 ? await resolveInTime(name, resolve, signal) : [name])),
  )
  const isAny = found.some((addresses, index) => isIP(names[index] ?? '') === 0 && addresses.length > 0)
  return isAny ? await reached([...new Set(found.flat())]) : null
}

export function hubAddressesPath(stateDir: string): string {
  return join(stateDir, 'hub-addresses.json')
}

async function readKnown(path: string): Promise<KnownAddresses> {
  // Otherwise only what the resolver says now counts.
  return (await readJsonFile(path, KnownSchema)) ?? {}
}

async function resolveInTime(name: string, resolve: Resolve, signal: AbortSignal): Promise<readonly string[]> {
  const late = branchSignal(signal)
  try {
    return await Promise.race([resolve(name).catch(() => []), sleep(RESOLVE_MS, late.signal).then(() => [])])
  } finally {
    late.end()
  }
}

async function resolveBySystem(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true })
  // IPv4 first: the carrier's NAT is the subject here, and its addresses are what the hub's table shows.
  return [...found].sort((a, b) => a.family - b.family).map((one) => one.address)
}
