import { randomBytes } from 'node:crypto'
import { privateKeyFrom } from '../../../../wireguard/keys.ts'
import { publicKeyOf } from '../../../../wireguard/public-key.ts'
import { PEERS, WIREGUARD } from '../model.ts'
import type { Tables } from '../tables/tables.ts'

/**
 * MikroTik's own way home (`/ip/cloud`, Back To Home, since 7.12): an interface, an address and a peer for each phone, made
 * and kept by the router; whoever sets up WireGuard there leaves them alone.
 */
export function addBackToHome(tables: Tables): void {
  const name = 'back-to-home-vpn'
  tables.add(
    WIREGUARD,
    new Map([
      ['name', name],
      ['listen-port', '41921'],
      ['private-key', privateKeyFrom(randomBytes(32))],
      ['comment', name],
    ]),
  )
  const dynamic = { isDynamic: true }
  tables.add(
    '/ip/address',
    new Map([
      ['address', '192.168.216.1/24'],
      ['network', '192.168.216.0'],
      ['interface', name],
      ['comment', name],
    ]),
    dynamic,
  )
  tables.add(
    PEERS,
    new Map([
      ['interface', name],
      ['public-key', publicKeyOf(privateKeyFrom(randomBytes(32)))],
      ['allowed-address', '192.168.216.3/32'],
      ['comment', 'phone | RB5009 - device'],
    ]),
    dynamic,
  )
}
