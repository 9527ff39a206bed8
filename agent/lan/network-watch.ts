import { networkInterfaces } from 'node:os'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import { readOwnNetworks } from './local-networks.ts'

/** How often this machine's networks are looked at: two reads of /proc and one of the kernel's list of addresses. */
const LOOK_EVERY_MS = 5_000

interface NetworkLooks {
  /** Reads the networks as a text to compare. */
  readonly read?: (except: string) => Promise<string>
  readonly everyMs?: number
}

/**
 * Watches the networks that this machine is on, and which of them leads out: the hub is told where visitors' addresses
 * can be kept, and measures it again. Ends with the signal.
 * @param except the tunnel's interface, which is no news.
 */
export async function watchNetworks(
  except: () => string,
  onChange: () => void,
  log: Log,
  signal: AbortSignal,
  { read = networksText, everyMs = LOOK_EVERY_MS }: NetworkLooks = {},
): Promise<void> {
  let known = await read(except())
  while (!signal.aborted) {
    await sleep(everyMs, signal)
    if (signal.aborted) return
    const now = await read(except())
    if (now === known) continue
    known = now
    log.info('the networks of this machine changed: the hub is told')
    onChange()
  }
}

async function networksText(except: string): Promise<string> {
  const { connected, defaultInterface } = await readOwnNetworks(except)
  const own = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    name === except ? [] : addresses.filter(({ family }) => family === 'IPv4').map(({ cidr }) => `${name} ${cidr}`),
  )
  return JSON.stringify([
    connected.map(({ interface: name, prefix }) => `${name} ${prefix}`).sort(),
    own.sort(),
    defaultInterface,
  ])
}
