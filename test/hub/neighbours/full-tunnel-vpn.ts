import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../../lab/host/host.ts'
import type { Picture } from '../../lab/picture.ts'

/** A VPN of somebody else's, which takes all that a host sends, as wg-quick sets it up for `AllowedIPs = 0.0.0.0/0, ::/0`. */
export interface FullTunnelVpn {
  readonly up: (host: Host) => Promise<void>
  readonly down: (host: Host) => Promise<void>
  /** The other end stops answering, and the host notices nothing. */
  readonly die: () => Promise<void>
}

const PORT = 51_888
const FILE = 'vpn0.conf'

/**
 * The server's addresses on the cables to its clients: wireguard-go of Debian 13 (0.0.20231211) answers from that of the
 * way out, whichever was asked, and a NAT takes no answer from another.
 */
const TO_HUB = '203.0.113.1'
const TO_HOMES = '198.19.0.1'

/** Begins the VPN's server on the internet: whoever comes out of it is seen by its address. */
export async function serveVpn({ internet, hub }: Picture, hosts: readonly Host[]): Promise<FullTunnelVpn> {
  const key = async (): Promise<{ readonly secret: string; readonly name: string }> => {
    const secret = (await internet.run('wg', ['genkey'])).stdout.trim()
    return { secret, name: (await internet.run('wg', ['pubkey'], { input: secret })).stdout.trim() }
  }
  const [server, ...clients] = await Promise.all([key(), ...hosts.map(key)])
  const addresses = (last: number): readonly string[] => [`10.99.0.${last}`, `fd99::${last}`]
  const peers = clients.map(
    ({ name }, index) => `[Peer]\nPublicKey = ${name}\nAllowedIPs = ${addresses(index + 2).join(', ')}\n`,
  )
  await write(internet, [
    `[Interface]\nPrivateKey = ${server.secret}\nListenPort = ${PORT}\nAddress = 10.99.0.1/24, fd99::1/64\n`,
    ...peers,
  ])
  await internet.run('wg-quick', ['up', fileOf(internet)])
  await internet.shell(`nft -f - <<'X'
table inet vpn {
  chain out {
    type nat hook postrouting priority 100; policy accept;
    iifname vpn0 oifname != vpn0 masquerade
  }
}
X`)
  await Promise.all(
    hosts.map((host, index) =>
      write(host, [
        `[Interface]\nPrivateKey = ${clients[index]?.secret}\nAddress = ${addresses(index + 2).join(', ')}\n`,
        `[Peer]\nPublicKey = ${server.name}\nEndpoint = ${host === hub ? TO_HUB : TO_HOMES}:${PORT}\nAllowedIPs = 0.0.0.0/0, ::/0\nPersistentKeepalive = 5\n`,
      ]),
    ),
  )
  return {
    up: async (host) => void (await host.run('wg-quick', ['up', fileOf(host)])),
    down: async (host) => void (await host.run('wg-quick', ['down', fileOf(host)])),
    die: async () => void (await internet.run('wg-quick', ['down', fileOf(internet)])),
  }
}

function fileOf(host: Host): string {
  return join(host.disk.path, FILE)
}

async function write(host: Host, sections: readonly string[]): Promise<void> {
  await writeFile(fileOf(host), sections.join('\n'), { mode: 0o600 })
}
