import type { Host } from '../test/lab/host.ts'

/** The yardstick: a WireGuard interface set by hand between hub and home, with nothing of homeward on it. */
export const BARE = { port: 51_999, hub: '10.99.0.1', home: '10.99.0.2', interface: 'bare0' } as const

/** Sets it up on both ends, with the keepalive that wg(8) recommends behind NAT. */
export async function layBareWireguard(hub: Host, home: Host, hubAddress: string): Promise<void> {
  const [hubKey, homeKey] = await Promise.all([makeInterface(hub, BARE.hub), makeInterface(home, BARE.home)])
  await hub.shell(`
wg set ${BARE.interface} listen-port ${BARE.port} peer ${homeKey} allowed-ips ${BARE.home}/32
`)
  await home.shell(
    `
wg set ${BARE.interface} peer ${hubKey} endpoint ${hubAddress}:${BARE.port} allowed-ips ${BARE.hub}/32 persistent-keepalive 25
ping -c 1 -W 10 ${BARE.hub}
`,
    { timeoutMs: 20_000 },
  )
}

async function makeInterface(host: Host, address: string): Promise<string> {
  // The same data plane as homeward finds: the kernel's, or wireguard-go where it has none.
  const { stdout } = await host.shell(`
ip link add ${BARE.interface} type wireguard 2>/dev/null || {
  WG_PROCESS_FOREGROUND=1 wireguard-go ${BARE.interface} >/dev/null 2>&1 </dev/null &
  for try in $(seq 100); do [ -S /var/run/wireguard/${BARE.interface}.sock ] && break; sleep 0.05; done
}
(umask 077; wg genkey > /run/${BARE.interface}.key)
wg set ${BARE.interface} private-key /run/${BARE.interface}.key
ip address add ${address}/24 dev ${BARE.interface}
ip link set ${BARE.interface} mtu 1420 up
wg pubkey < /run/${BARE.interface}.key
`)
  return stdout.trim()
}
