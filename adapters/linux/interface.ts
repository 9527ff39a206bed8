import { Problem } from '../../problems/problem.ts'
import { tryCommand } from '../../system/process/run-command.ts'
import type { Clock } from '../../system/time/clock.ts'
import { parseDump } from '../../wireguard/dump.ts'
import type { Description } from '../adapter.ts'
import { ip, markInterface, readDump, readLinks } from './api.ts'
import { isBlank, parseLinks } from './convert.ts'
import { INTERFACE_MARK } from './firewall/mark.ts'
import { awaitWireguardGoEnd, startWireguardGo } from './userspace.ts'

export interface MakingOptions {
  readonly dataPlane: () => Promise<Description['dataPlane']>
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Makes an interface and marks it. The kernel takes no alias while it makes one (rtnetlink ignores it there), so a
 * crash can leave an unmarked interface: a blank one of the wanted name is taken for that, and marked.
 * @throws {Problem} `interface-taken`, `no-wireguard`.
 */
export async function createInterface(name: string, options: MakingOptions): Promise<void> {
  const { signal } = options
  if (!(await isThere(name, signal))) await make(name, options)
  await markBlank(name, signal)
}

async function make(name: string, { dataPlane, clock, signal }: MakingOptions): Promise<void> {
  if ((await dataPlane()) === 'kernel') await ip(['link', 'add', 'dev', name, 'type', 'wireguard'], signal)
  else await startWireguardGo(name, clock, signal)
}

async function markBlank(name: string, signal: AbortSignal): Promise<void> {
  const [links, dump] = await Promise.all([readLinks(signal), readDump(name, signal)])
  const link = parseLinks(links).find((other) => other.name === name)
  if (link?.alias === INTERFACE_MARK) return
  if (link === undefined || !isBlank(link, dump === null ? null : parseDump(dump)))
    throw new Problem('interface-taken', {
      what: `making the interface ${name}`,
      why: link === undefined ? 'it went away again' : 'somebody else made one of that name',
    })
  await markInterface(name, signal)
}

async function isThere(name: string, signal: AbortSignal): Promise<boolean> {
  return parseLinks(await readLinks(signal)).some((link) => link.name === name)
}

/** Removes an interface with all that hangs on it: addresses, routes, peers, and its wireguard-go. */
export async function removeInterface(name: string, clock: Clock, signal: AbortSignal): Promise<void> {
  const result = await tryCommand('ip', ['link', 'del', 'dev', name], { signal })
  if (result.exitCode !== 0 && !/Cannot find device/.test(result.stderr))
    throw new Problem('command-failed', { what: `ip link del dev ${name}`, why: result.stderr.trim() })
  await awaitWireguardGoEnd(name, clock, signal)
}
