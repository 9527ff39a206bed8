import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Lab } from '../lab.ts'
import { type Carrier, POOL_ADDRESSES } from './carrier.ts'
import type { Home } from './home.ts'

const DEVICE = 'nat64'
/** A prefix of the carrier's own: the well-known one (64:ff9b::/96) takes no addresses that are kept for documents. */
const PREFIX = '2001:db8:64::'
const INSIDE = '192.168.255'

/**
 * A carrier that translates for a home without IPv4 (RFC 6146, by tayga), and whose DNS says so: names resolve as behind a
 * DNS64 (RFC 6147), ipv4only.arpa among them (RFC 7050). Needs the package tayga.
 */
export async function layNat64(lab: Lab, carrier: Carrier, home: Home): Promise<void> {
  const { host } = carrier
  const folder = join(host.disk.path, 'tayga')
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'tayga.conf')
  await writeFile(
    file,
    `tun-device ${DEVICE}
ipv4-addr ${INSIDE}.1
prefix ${PREFIX}/96
map ${INSIDE}.2 ${home.lan.piIpv6 ?? ''}
data-dir ${folder}
`,
  )
  await host.run('tayga', ['--config', file, '--mktun'])
  await host.shell(`
ip link set ${DEVICE} up
ip addr add ${INSIDE}.254/32 dev ${DEVICE}
ip route add ${INSIDE}.0/24 dev ${DEVICE}
ip -6 route add ${PREFIX}/96 dev ${DEVICE}
`)
  // The carrier leads what is translated out through a line of its own, like a customer.
  await carrier.addCustomer({
    interface: DEVICE,
    wanAddress: `${INSIDE}.2`,
    poolAddress: POOL_ADDRESSES.at(-1) ?? '',
  })
  host.start('tayga', ['--config', file, '--nodetach'])
  const translated = (ipv4: string): string =>
    `${PREFIX}${ipv4
      .split('.')
      .map((byte) => Number(byte).toString(16).padStart(2, '0'))
      .join('')
      .replace(/^.{4}/, '$&:')}`
  await lab.setNames({ 'ipv4only.arpa': ['192.0.0.170', translated('192.0.0.170')] })
}
