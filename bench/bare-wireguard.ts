import { randomInt } from 'node:crypto'
import type { Host } from '../test/lab/host/host.ts'

/** The yardstick: a WireGuard interface set by hand between hub and home, with nothing of homeward on it. */
export const BARE = { port: 51_999, hub: '10.99.0.1', home: '10.99.0.2', interface: 'bare0' } as const

/**
 * Sets it up on both ends, with the keepalive that wg(8) recommends behind NAT; where it is up already, again with the
 * same keys, a new source port and a new session.
 * @param hubAddress or its name, resolved now, as wg(8) does.
 */
export async function layBareWireguard(hub: Host, home: Host, hubAddress: string): Promise<void> {
  const homeKey = await makeInterface(home, BARE.home)
  const hubKey = await layBareHub(hub, homeKey)
  await home.shell(`
wg set ${BARE.interface} peer ${hubKey} remove
wg set ${BARE.interface} listen-port ${randomInt(20_000, 32_000)} peer ${hubKey} \\
  endpoint ${hubAddress}:${BARE.port} allowed-ips ${BARE.hub}/32 persistent-keepalive 25
ping -c 1 -w 30 ${BARE.hub}
`)
}

/**
 * The hub's end alone, as its own start-up files would set it after a reboot; without a key, as one that lost its peer.
 * Returns its public key.
 */
export async function layBareHub(hub: Host, homeKey: string | null): Promise<string> {
  const hubKey = await makeInterface(hub, BARE.hub)
  await hub.shell(`wg set ${BARE.interface} listen-port ${BARE.port}`)
  if (homeKey !== null)
    await hub.shell(`
wg set ${BARE.interface} peer ${homeKey} remove
wg set ${BARE.interface} peer ${homeKey} allowed-ips ${BARE.home}/32
`)
  return hubKey
}

/** Idempotent; the key outlives a reboot. Returns the public key. */
async function makeInterface(host: Host, address: string): Promise<string> {
  const key = `${host.disk.path}/bare.key`
  // The same data plane as homeward finds: the kernel's, or wireguard-go where it has none.
  const { stdout } = await host.shell(`
[ -e ${key} ] || (umask 077; wg genkey > ${key})
[ -e /sys/class/net/${BARE.interface} ] || {
  ip link add ${BARE.interface} type wireguard 2>/dev/null || {
    WG_PROCESS_FOREGROUND=1 wireguard-go ${BARE.interface} >/dev/null 2>&1 </dev/null &
    for try in $(seq 600); do [ -S /var/run/wireguard/${BARE.interface}.sock ] && break; sleep 0.05; done
  }
  wg set ${BARE.interface} private-key ${key}
  ip address add ${address}/24 dev ${BARE.interface}
  ip link set ${BARE.interface} mtu 1420 up
}
wg pubkey < ${key}
`)
  return stdout.trim()
}
