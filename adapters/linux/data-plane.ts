import { access, constants } from 'node:fs/promises'
import { Problem } from '../../problems/problem.ts'
import { tryCommand } from '../../system/process/run-command.ts'
import type { Description } from '../adapter.ts'
import { readLinks } from './api.ts'
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
  throw new Problem('no-wireguard', {
    what: 'looking for WireGuard',
    why: `the kernel has no wireguard module, and ${hindrance}`,
  })
}

/** Whether the kernel has WireGuard. Only trying tells: it may be built in, a module not yet loaded, or forbidden. */
async function kernelHasWireguard(signal: AbortSignal): Promise<boolean> {
  await tryCommand('ip', ['link', 'del', 'dev', PROBE], { signal })
  const made = await tryCommand('ip', ['link', 'add', 'dev', PROBE, 'type', 'wireguard'], { signal })
  if (made.exitCode !== 0) return false
  await tryCommand('ip', ['link', 'del', 'dev', PROBE], { signal })
  return true
}

async function whatHindersUserspace(signal: AbortSignal): Promise<string | null> {
  try {
    await tryCommand('wireguard-go', ['--version'], { signal })
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === 'tool-missing') return 'wireguard-go is not installed'
    throw thrown
  }
  const reachable = await access('/dev/net/tun', constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  )
  return reachable ? null : 'wireguard-go needs /dev/net/tun, which cannot be opened'
}
