import { type PaperTables, paperTables } from '../paper-tables.ts'

/** A router with somebody's configuration on it. */
export function ownersRouter(): PaperTables {
  const router = paperTables()
  router.put('/interface/wireguard', { name: 'wg-office', 'listen-port': '13231', comment: 'homeward bound' })
  router.put('/interface/wireguard/peers', { interface: 'wg-office', 'public-key': `${'Z'.repeat(42)}A=` })
  router.put('/interface/wireguard/peers', { interface: 'bth', 'public-key': `${'Y'.repeat(42)}A=`, dynamic: 'true' })
  router.put('/ip/address', { address: '192.168.1.1/24', interface: 'bridge' })
  router.put('/ip/route', { 'dst-address': '0.0.0.0/0', gateway: '198.51.100.1' })
  router.put('/ip/firewall/filter', { chain: 'forward', action: 'passthrough', dynamic: 'true' })
  router.put('/ip/firewall/filter', { chain: 'input', action: 'drop', 'in-interface-list': '!LAN' })
  router.put('/ip/firewall/filter', { chain: 'forward', action: 'fasttrack-connection', comment: 'fast' })
  router.put('/ip/firewall/filter', { chain: 'forward', action: 'drop', 'connection-state': 'invalid' })
  router.put('/ip/firewall/nat', { chain: 'srcnat', action: 'masquerade', 'out-interface': 'wan' })
  return router
}

export function rowOf(router: PaperTables, path: string, comment: string): Readonly<Record<string, string>> {
  return router.rows(path).find((row) => row['comment'] === comment)!
}

export async function change(
  router: PaperTables,
  path: string,
  comment: string,
  what: Readonly<Record<string, string>>,
) {
  const attributes = { '.id': rowOf(router, path, comment)['.id']!, ...what }
  await router.exec({ command: `${path}/set`, attributes }, router.signal)
}
