import { OK, type Said } from './uci.ts'

/** What the router's package feeds are like: as they should be, out of reach, of another kernel, or of a host whose certificate the router's clock refuses. */
export type Feeds = 'ok' | 'offline' | 'other-kernel' | 'gone'

export interface PackageState {
  readonly feeds: Feeds
  /** KiB that flash has left. */
  readonly freeKib: number
  readonly kernel: string
  /** The lists were fetched since the router started; opkg has them in RAM. */
  hasLists: boolean
  isInstalled: boolean
}

const URL = 'https://downloads.openwrt.org/releases/packages/Packages.gz'
/** wireguard-tools with its modules. */
const NEEDED_KIB = 150

export function opkg(args: readonly string[], state: PackageState): Said {
  const [verb, name, ...more] = args
  const fail = (text: string, code = 255): Said => ({ code, stdout: '', stderr: text })
  if (verb === 'update' && name === undefined) {
    if (state.feeds === 'offline' || state.feeds === 'gone') {
      const status = state.feeds === 'offline' ? 4 : 8
      return fail(
        `*** Failed to download the package list from ${URL}\n\nCollected errors:\n * opkg_download: Failed to download ${URL}, wget returned ${status}.\n * opkg_download: Check your network settings and connectivity.\n\n`,
      )
    }
    state.hasLists = true
    return { ...OK, stdout: `Downloading ${URL}\nUpdated list of available packages in /var/opkg-lists/base\n` }
  }
  if (verb === 'install' && name === 'wireguard-tools' && more.length === 0) {
    if (state.isInstalled)
      return { ...OK, stdout: 'Package wireguard-tools (1.0.20210914-2) installed in root is up to date.\n' }
    if (!state.hasLists)
      return fail(
        "Unknown package 'wireguard-tools'.\nCollected errors:\n * opkg_install_cmd: Cannot install package wireguard-tools.\n",
      )
    if (state.feeds === 'other-kernel')
      return fail(
        `Collected errors:\n * pkg_hash_fetch_best_installation_candidate: Packages for kmod-wireguard found, but incompatible with the architectures configured\n * satisfy_dependencies_for: Cannot satisfy the following dependencies for wireguard-tools:\n * \tkernel (= ${state.kernel}~deadbeef-r1)\n * opkg_install_cmd: Cannot install package wireguard-tools.\n`,
      )
    if (state.freeKib < NEEDED_KIB)
      return fail(
        `Collected errors:\n * verify_pkg_installable: Only have ${state.freeKib}kb available on filesystem /overlay, pkg wireguard-tools needs ${NEEDED_KIB}\n * opkg_install_cmd: Cannot install package wireguard-tools.\n`,
      )
    state.isInstalled = true
    return {
      ...OK,
      stdout:
        'Installing wireguard-tools (1.0.20210914-2) to root...\nConfiguring kmod-wireguard.\nConfiguring wireguard-tools.\n',
    }
  }
  return fail(`opkg: the simulated opkg does not know ${args.join(' ')}\n`, 1)
}

export function apk(args: readonly string[], state: PackageState): Said {
  const [verb, name, ...more] = args
  const fail = (text: string): Said => ({ code: 1, stdout: '', stderr: text })
  if (verb === 'update' && name === undefined) {
    if (state.feeds === 'offline' || state.feeds === 'gone')
      return fail(
        `ERROR: wget: exited with error ${state.feeds === 'offline' ? 4 : 8}\nWARNING: updating and opening https://downloads.openwrt.org/packages.adb: unexpected end of file\n`,
      )
    state.hasLists = true
    return { ...OK, stdout: 'OK: 9876 distinct packages available\n' }
  }
  if (verb === 'add' && name === 'wireguard-tools' && more.length === 0) {
    if (state.isInstalled) return { ...OK, stdout: 'OK: 15 MiB in 140 packages\n' }
    if (!state.hasLists)
      return fail(
        'ERROR: unable to select packages:\n  wireguard-tools (no such package):\n    required by: world[wireguard-tools]\n',
      )
    if (state.feeds === 'other-kernel')
      return fail(
        `ERROR: unable to select packages:\n  kernel-${state.kernel}~cafe0001-r1:\n    breaks: kmod-wireguard[kernel=${state.kernel}~deadbeef-r1]\n`,
      )
    if (state.freeKib < NEEDED_KIB) return fail('ERROR: wireguard-tools: No space left on device\n')
    state.isInstalled = true
    return {
      ...OK,
      stdout: '(1/2) Installing kmod-wireguard\n(2/2) Installing wireguard-tools\nOK: 15 MiB in 142 packages\n',
    }
  }
  return fail(`apk: the simulated apk does not know ${args.join(' ')}\n`)
}
