import * as v from 'valibot'
import { runCommand } from '../../system/process/run-command.ts'

/** The router that the default route leads to. */
export interface Gateway {
  readonly address: string
  readonly device: string
}

const Hop = v.object({
  gateway: v.optional(v.string()),
  dev: v.optional(v.string(), ''),
  flags: v.optional(v.array(v.string()), []),
})
const Routes = v.array(v.object({ ...Hop.entries, nexthops: v.optional(v.array(Hop), []) }))
const Neighbours = v.array(v.object({ state: v.optional(v.array(v.string()), []) }))

const LOOK_MS = 1_000

/**
 * Reads the default route's gateway, IPv4 first, the preferred route first. Never throws.
 * @returns `none` when no route that works leads out; `unknown` when the route has no gateway (ppp0), or `ip` did not
 *   say.
 */
export async function readGateway(signal: AbortSignal): Promise<Gateway | 'none' | 'unknown'> {
  try {
    const [ipv4, ipv6] = await Promise.all([defaultRoutes('-4', signal), defaultRoutes('-6', signal)])
    return gatewayIn(ipv4) ?? gatewayIn(ipv6) ?? 'none'
  } catch {
    return 'unknown'
  }
}

/** Whether nobody answers for the gateway's address on the link (ARP, neighbour discovery). Never throws. */
export async function gatewayIsGone({ address, device }: Gateway): Promise<boolean> {
  try {
    const args = ['-j', 'neigh', 'show', 'to', address, 'dev', device]
    const { stdout } = await runCommand('ip', args, { timeoutMs: LOOK_MS })
    const [neighbour] = v.parse(Neighbours, JSON.parse(stdout === '' ? '[]' : stdout))
    // INCOMPLETE: asked and not answered yet, which takes a living router milliseconds (neighbour states of ip-neighbour(8)).
    return neighbour?.state.some((state) => state === 'FAILED' || state === 'INCOMPLETE') ?? false
  } catch {
    return false
  }
}

async function defaultRoutes(family: '-4' | '-6', signal: AbortSignal): Promise<v.InferOutput<typeof Routes>> {
  const args = ['-j', family, 'route', 'show', 'default']
  const { stdout } = await runCommand('ip', args, { timeoutMs: LOOK_MS, signal })
  return v.parse(Routes, JSON.parse(stdout === '' ? '[]' : stdout))
}

function gatewayIn(routes: v.InferOutput<typeof Routes>): Gateway | 'unknown' | null {
  const hops = routes.flatMap((route) => (route.nexthops.length > 0 ? route.nexthops : [route]))
  // linkdown: the kernel keeps the route of a cable that is unplugged.
  const [hop] = hops.filter(({ flags }) => !flags.includes('linkdown') && !flags.includes('dead'))
  if (hop === undefined) return null
  return hop.gateway === undefined ? 'unknown' : { address: hop.gateway, device: hop.dev }
}
