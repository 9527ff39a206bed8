import { access, readFile } from 'node:fs/promises'

/**
 * The container that this machine is, for people: a VPS may be one, and then devices, modules and some tunables are the
 * host's to give. null: none is recognised. systemd writes the first file (systemd.io/CONTAINER_INTERFACE), OpenVZ's
 * kernel has /proc/vz without the host's /proc/bc (systemd's virt.c), Docker and Podman leave a file each.
 * @param root for tests: the root folder.
 */
export async function containerKind(root = ''): Promise<string | null> {
  const isThere = (path: string): Promise<boolean> =>
    access(`${root}${path}`).then(
      () => true,
      () => false,
    )
  const said = await readFile(`${root}/run/systemd/container`, 'utf8').catch(() => '')
  // Only of process 1, and only root may read it.
  const environment = await readFile(`${root}/proc/1/environ`, 'utf8').catch(() => '')
  const name = said.trim() || (/(?:^|\0)container=([^\0]+)/.exec(environment)?.[1] ?? '')
  if (name !== '') return NAMES[name] ?? name
  if ((await isThere('/proc/vz')) && !(await isThere('/proc/bc'))) return 'OpenVZ'
  if (await isThere('/.dockerenv')) return 'Docker'
  return (await isThere('/run/.containerenv')) ? 'Podman' : null
}

const NAMES: Readonly<Record<string, string>> = {
  lxc: 'LXC',
  'lxc-libvirt': 'LXC',
  openvz: 'OpenVZ',
  docker: 'Docker',
  podman: 'Podman',
  'systemd-nspawn': 'systemd-nspawn',
}

/** Why wireguard-go, which is installed, cannot run, and what helps. @param code with which opening the device failed. */
export function withoutTun(code: string, container: string | null): { readonly why: string; readonly next: string } {
  const why = `wireguard-go, which is installed, needs /dev/net/tun, which ${code === 'ENOENT' ? 'is not there' : `cannot be opened (${code})`}`
  return { why, next: tunAdvice(container) }
}

/** How a container is given /dev/net/tun: by whoever has the host. */
export function tunAdvice(container: string | null): string {
  if (container === null)
    return 'Load it with modprobe tun, and let the service’s user open /dev/net/tun (mode 0666, as udev makes it)'
  const how = {
    LXC: 'in the container’s configuration lxc.cgroup2.devices.allow = c 10:200 rwm and lxc.mount.entry = /dev/net/tun dev/net/tun none bind,create=file (Proxmox: Resources, Device Passthrough, /dev/net/tun)',
    OpenVZ: '“TUN/TAP” in the VPS’s panel, or on the host vzctl set CTID --devnodes net/tun:rw --save',
    Docker: 'docker run --cap-add NET_ADMIN --device /dev/net/tun',
    Podman: 'podman run --cap-add NET_ADMIN --device /dev/net/tun',
  }[container]
  return `This machine is a container (${container}), and only its host can give it that: ask your provider to allow TUN/TAP for it${how === undefined ? '' : `, or do so on the host yourself: ${how}`}. A host whose kernel has the wireguard module loaded does as well (there: modprobe wireguard)`
}

/** How forwarding is turned on where /proc/sys may not be written. */
export function forwardingAdvice(container: string | null, value: '0' | '1'): string {
  const line = `net.ipv4.ip_forward=${value}`
  if (container === null)
    return `Set it where you may: put ${line} into /etc/sysctl.d/90-homeward.conf, run sysctl --system, then homeward apply`
  const how = {
    LXC: `lxc.sysctl.net.ipv4.ip_forward = ${value} in the container’s configuration`,
    Docker: `docker run --sysctl ${line}`,
    Podman: `podman run --sysctl ${line}`,
  }[container]
  return `This machine is a container (${container}) with a read-only /proc/sys, where no sysctl line can work: ask your provider to set ${line} for it${how === undefined ? '' : `, or do so on the host yourself: ${how}`}, then restart the container`
}
