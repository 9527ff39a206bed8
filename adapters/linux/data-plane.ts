import { open } from 'node:fs/promises'
import { Problem } from '../../problems/problem.ts'
import { tryCommand } from '../../system/process/run-command.ts'
import type { Description } from '../adapter.ts'
import { readLinks } from './api.ts'
import { containerKind, withoutTun } from './container.ts'
import { parseLinks } from './convert.ts'
import { INTERFACE_MARK } from './firewall/mark.ts'

type DataPlane = Description['dataPlane']

/** The name of a probe interface. The name is ours: any interface that bears it is a probe that was killed. */
const PROBE = 'hwprobe0'

/**
 * Tells what carries the packets: the data plane of the interface that is there, else the kernel where it can make one,
 * else wireguard-go.
 * @throws {Problem} `no-wireguard`, `tool-missing`.
 */
export async function findDataPlane(signal: AbortSignal): Promise<DataPlane> {
  const own = parseLinks(await readLinks(signal)).find((link) => link.alias === INTERFACE_MARK)
  if (own !== undefined) return own.kind === 'wireguard' ? 'kernel' : 'userspace'
  if (await kernelHasWireguard(signal)) return 'kernel'
  const hindrance = await whatHindersUserspace(signal)
  if (hindrance === null) return 'userspace'
  throw noWireguard(hindrance)
}

/** @param why wireguard-go cannot run. @param next what helps, where the catalogue does not know it. */
export function noWireguard({ why, next }: Hindrance): Problem {
  return new Problem('no-wireguard', {
    what: 'looking for WireGuard',
    why: `the kernel has no wireguard module that this machine may use, and ${why}`,
    next,
  })
}

interface Hindrance {
  readonly why: string
  readonly next?: string
}

/** Whether the kernel has WireGuard. Only trying tells: it may be built in, a module not yet loaded, or forbidden. */
async function kernelHasWireguard(signal: AbortSignal): Promise<boolean> {
  await tryCommand('ip', ['link', 'del', 'dev', PROBE], { signal })
  const made = await tryCommand('ip', ['link', 'add', 'dev', PROBE, 'type', 'wireguard'], { signal })
  if (made.exitCode !== 0) return false
  await tryCommand('ip', ['link', 'del', 'dev', PROBE], { signal })
  return true
}

/** @returns why wireguard-go cannot run, and what helps where the catalogue does not know it; null when it can. */
async function whatHindersUserspace(signal: AbortSignal): Promise<Hindrance | null> {
  try {
    await tryCommand('wireguard-go', ['--version'], { signal })
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === 'tool-missing') return { why: 'wireguard-go is not installed' }
    throw thrown
  }
  const code = await openingFails('/dev/net/tun')
  return code === null ? null : withoutTun(code, await containerKind())
}

/** Opens it: in a container the file may be there with every right, and its device be forbidden (cgroups). */
async function openingFails(path: string): Promise<string | null> {
  try {
    await (await open(path, 'r+')).close()
    return null
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? 'unknown'
  }
}
