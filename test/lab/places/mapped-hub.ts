import type { Host } from '../host/host.ts'
import { bundleFor } from '../host/bundle.ts'
import type { Lab } from '../lab.ts'
import type { Picture } from '../picture.ts'
import type { Manner } from '../../fake/stun/stun-answers.ts'

/** The hub's own address behind its provider's mapping. */
export const HUB_INSIDE = '10.0.0.5'

/**
 * Takes the public address from the hub's interface and gives it a private one, as the clouds do: the provider maps the
 * public address to it. `shared`: many machines behind one address instead, as behind a carrier's NAT, where nobody comes in.
 */
export async function mapHub({ internet, hub, hubAddress }: Picture, how: 'one to one' | 'shared'): Promise<void> {
  await hub.shell(`
ip addr flush dev eth0 scope global
ip addr add ${HUB_INSIDE}/24 dev eth0
ip route replace default via 10.0.0.1`)
  const [dnat, snat] =
    how === 'one to one'
      ? [`ip daddr ${hubAddress} dnat to ${HUB_INSIDE}`, `ip saddr ${HUB_INSIDE} snat to ${hubAddress}`]
      : ['', `ip saddr ${HUB_INSIDE} snat to ${hubAddress} fully-random`]
  await internet.shell(`
ip addr replace 10.0.0.1/24 dev hub0
nft -f - <<'NFT'
table ip mapped
delete table ip mapped
table ip mapped {
  chain prerouting { type nat hook prerouting priority dstnat; ${dnat}; }
  chain postrouting { type nat hook postrouting priority srcnat; oifname != "hub0" ${snat}; }
}
NFT`)
}

/** A STUN server of ours on a host, at the usual port; it lives as long as the host. */
export async function serveStun(lab: Lab, host: Host, address: string, port: number, manner: Manner): Promise<string> {
  const program = await bundleFor(lab.folder, new URL('../../fake/stun/lab-stun.ts', import.meta.url))
  const running = host.start(process.execPath, [program, address, String(port), JSON.stringify(manner)])
  await running.waitForLine(/^ready$/)
  return `${address}:${port}`
}
