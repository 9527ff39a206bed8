import type { MdnsService } from './mdns.ts'
import type { MndpNeighbour } from './mndp.ts'

/** Routers that homeward can end a tunnel on. */
export type RouterKind = 'mikrotik' | 'openwrt'

/** One thing that was heard of a machine in the LAN, by the address from which it came. */
export type Evidence = { readonly address: string } & (
  | { readonly by: 'mndp'; readonly neighbour: MndpNeighbour }
  | { readonly by: 'mdns'; readonly service: MdnsService }
  | { readonly by: 'port'; readonly port: number }
  | { readonly by: 'ssh'; readonly banner: string }
  | { readonly by: 'page'; readonly page: string }
)
