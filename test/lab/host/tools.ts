import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** What the laboratory runs, and the Debian package that brings it. */
const TOOLS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  conntrack: 'conntrack',
  wg: 'wireguard-tools',
  'wg-quick': 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  perl: 'perl',
  ping: 'iputils-ping',
  ps: 'procps',
  curl: 'curl',
  iperf3: 'iperf3',
  tcpdump: 'tcpdump',
}

/** The search path of every host: sbin too, which a plain user's login shell lacks. */
export const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What only tests have: the simulated OpenWrt router is made of these, and alerts go to a broker. */
export const TEST_TOOLS: Readonly<Record<string, string>> = {
  dropbear: 'dropbear-bin',
  busybox: 'busybox',
  dash: 'dash',
  flock: 'util-linux',
  openssl: 'openssl',
  mosquitto: 'mosquitto',
  iptables: 'iptables',
  age: 'age',
}

/** All that brings what hosts run, in Debian's names. */
export function debianPackages(): readonly string[] {
  return [...Object.values(TOOLS), ...Object.values(TEST_TOOLS)]
}

/** What stands between this machine and a laboratory, one sentence each; empty when nothing does. @param more tools. */
export async function whatIsMissing(more: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const missing: string[] = []
  const packages = new Set<string>()
  for (const [tool, debianPackage] of Object.entries({ ...TOOLS, ...more })) {
    if (await isOnPath(tool)) continue
    missing.push(`${tool} is not installed`)
    packages.add(debianPackage)
  }
  if (packages.size > 0)
    missing.push(
      `install with: apt-get install --no-install-recommends ${[...packages].join(' ')}  (./install.sh test does)`,
    )
  if (process.getuid?.() !== 0) missing.push('network namespaces need root: run it again with sudo')
  if (!(await isThere('/dev/net/tun', constants.R_OK)))
    missing.push('/dev/net/tun is missing: wireguard-go needs it (modprobe tun; in a container, pass the device in)')
  return missing
}

async function isOnPath(tool: string): Promise<boolean> {
  const found = await Promise.all(SEARCH_PATH.split(delimiter).map((dir) => isThere(join(dir, tool), constants.X_OK)))
  return found.includes(true)
}

async function isThere(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}
