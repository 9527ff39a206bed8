import { networkOf, overlaps } from '../../net/prefix.ts'
import type { Refusal } from '../observation.ts'
import { refusedByEveryRouter } from '../router/refusals.ts'
import type { TunnelSpec } from '../spec.ts'
import type { OpenwrtObservation } from './observe/observation.ts'
import { zoneName } from './include/firewall-sections.ts'
import { isHome } from './uci/objects.ts'
import { text, tunnelOf } from './uci/sections.ts'

/** Why an OpenWrt router can't have this tunnel. @param host its address as it is reached. */
export function refuse(observed: OpenwrtObservation, desired: TunnelSpec, host: string): readonly Refusal[] {
  const network = networkOf(desired.address)
  const unsupported = (why: string): Refusal => ({ code: 'router-unsupported', why })
  return [
    ...foreignZone(observed, desired.interface),
    ...(isHome(desired) ? [] : [unsupported('an OpenWrt router can end the tunnel of a home, and be no hub')]),
    ...(/^[a-z][a-z0-9_]*$/.test(desired.interface)
      ? []
      : [unsupported(`the interface name ${desired.interface}: OpenWrt’s names have a-z, 0-9 and _ alone`)]),
    ...(desired.publicKey === null ? [unsupported('an OpenWrt router is given its key')] : []),
    ...refusedByEveryRouter(desired, host),
    ...observed.foreignNetworks
      .filter(({ prefix }) => overlaps(network, prefix))
      .map(
        ({ by }) => ({ code: 'router-taken', why: `${by} is in the way of the tunnel's network ${network}` }) as const,
      ),
  ]
}

function foreignZone({ sections, interfaces }: OpenwrtObservation, name: string): readonly Refusal[] {
  const isTaken = sections.some(
    (section) =>
      section.type === 'zone' && tunnelOf(section) === null && text(section.options, 'name') === zoneName(name),
  )
  if (!isTaken || interfaces.some((own) => own.name === name)) return []
  return [{ code: 'router-taken', why: `the router has a firewall zone ${zoneName(name)} that homeward did not make` }]
}
