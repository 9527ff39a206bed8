import * as v from 'valibot'
import type { OpenPort } from '../../../adapters/spec.ts'
import { runCommand } from '../../../system/process/run-command.ts'

const LIST_TIMEOUT_MS = 5_000

const Listing = v.object({ nftables: v.array(v.object({ set: v.optional(v.unknown()) })) })
const Listed = v.object({
  elem: v.optional(
    v.array(v.object({ elem: v.object({ val: v.object({ concat: v.tuple([v.string(), v.number()]) }) }) })),
    [],
  ),
})

/**
 * Ports of this machine that were asked for through the tunnel in the last day, and that are closed to it
 * (adapters/linux/firewall/hub-services.ts). None where the firewall does not say: reconciling tells why.
 */
export async function closedPortsAsked(list: () => Promise<string> = nftList): Promise<readonly OpenPort[]> {
  try {
    return v
      .parse(Listing, JSON.parse(await list()))
      .nftables.flatMap(({ set }) => (set === undefined ? [] : v.parse(Listed, set).elem))
      .flatMap(({ elem: { val } }) => {
        const [protocol, port] = val.concat
        return protocol === 'tcp' || protocol === 'udp' ? [{ protocol, port } as const] : []
      })
  } catch {
    return []
  }
}

/** The note on those at which a program of this machine listens; a scan of all ports is no wish. */
export function closedNotes(
  asked: readonly OpenPort[],
  served: Readonly<Record<OpenPort['protocol'], ReadonlySet<number>>>,
): readonly string[] {
  const ports = asked
    .filter(({ protocol, port }) => served[protocol].has(port))
    .toSorted((a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1))
    .map(({ protocol, port }) => `${port}/${protocol}`)
  if (ports.length === 0) return []
  return [
    `homes or devices asked this machine for ${ports.join(', ')} through the tunnel in the last day, which is closed to them: to let them reach one, name it under open in hub.yaml, for example open: [${ports[0]}]`,
  ]
}

async function nftList(): Promise<string> {
  const args = ['-j', 'list', 'set', 'inet', 'homeward', 'closed_asked']
  return (await runCommand('nft', args, { timeoutMs: LIST_TIMEOUT_MS })).stdout
}
