import { tunnelsOf } from '../../agent/settings/config.ts'
import type { Joined } from '../../agent/membership/make-tunnel.ts'

/** The facts of `join --json` about a home that has joined. */
export function joinedFacts({ config, provenMs, mapping }: Pick<Joined, 'config' | 'provenMs' | 'mapping'>): object {
  const [{ hub }] = tunnelsOf(config)
  const { address, network, addresses } = hub
  return {
    home: config.home,
    router: config.router.kind,
    interface: config.interface,
    address,
    network,
    lan: config.lan.prefixes,
    hub: addresses,
    provenMs: Math.round(provenMs),
    mapping,
  }
}
