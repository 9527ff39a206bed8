import { realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createLab } from '../../lab/lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../../lab/picture.ts'
import { bootstrap } from '../../lab/user-land/bootstrap.ts'
import type { UserLand } from '../../lab/user-land/user-land.ts'
import type { DebianRelease } from '../../packaging/clean-root.ts'
import { placePackage } from '../packaged.ts'
import { bootScratchMachine, type ScratchMachine } from '../scratch-machine.ts'
import { until, untilUp, type VpsAndPi } from '../vps-and-pi.ts'

export const RELEASES: readonly DebianRelease[] = ['bookworm', 'trixie']

/** What homeward's package depends on, and the firewalls that it stands beside. */
const PACKAGES =
  'conntrack dbus firewalld init-system-helpers iproute2 iptables iputils-ping nftables openssh-client passwd procps python3 systemd ufw wireguard-go wireguard-tools'.split(
    ' ',
  )

/** The port of the VPS that leads to the camera's page. */
export const PUBLISHED = 8080

/** The lines of /etc/hosts by which a machine knows the hub; without them, and with a name server that is not there, it knows no name. */
export const KNOW_HUB = `echo '203.0.113.10 ${HUB_NAME}' >>/etc/hosts`
export const KNOW_NOBODY = `sed -i '/${HUB_NAME}/d' /etc/hosts; echo 'nameserver 192.0.2.53' >/etc/resolv.conf`

/**
 * A VPS and a Pi with this release of Debian, booted as it boots, by its own systemd; homeward is installed as a package, the
 * tunnel is up, and the camera is published.
 */
export async function bootDebians(release: DebianRelease): Promise<VpsAndPi> {
  const land: UserLand = { release, packages: PACKAGES, root: join(tmpdir(), `homeward-booted-${release}`) }
  await bootstrap(land)
  const lab = await createLab()
  const picture = await buildPicture(lab)
  const [vps, pi] = await Promise.all([
    bootScratchMachine(lab, picture.hub, 'whole', land.root),
    bootScratchMachine(lab, picture.home.pi, 'whole', land.root),
  ])
  const end = async () => {
    await Promise.all([vps.end(), pi.end()])
    await lab.close()
  }
  try {
    const node = await realpath(process.execPath)
    const deb = await placePackage([vps, pi], '1.0.0')
    for (const machine of [vps, pi]) {
      // The package's own Node is this machine's, by its path.
      await machine.copyIn([node], dirname(process.execPath))
      await machine.shell(`echo '127.0.0.1 localhost' >/etc/hosts; ${KNOW_HUB}; dpkg --install ${deb}`)
    }
    await vps.shell(`homeward hub init --address ${HUB_NAME} --yes && systemctl start homeward-hub`)
    await until('the hub', async () => (await vps.shell('homeward hub status', { allowFailure: true })).exitCode !== 1)
    const token = (await vps.shell('homeward hub invite cabin')).stdout.trim()
    await pi.shell(`homeward join ${token} --yes && systemctl start homeward`, { timeoutMs: 120_000 })
    await untilUp(pi)
    await vps.shell(`homeward publish add ${PUBLISHED}/tcp ${picture.home.lan.camera}:80`)
  } catch (thrown) {
    await end()
    throw thrown
  }
  return { picture, vps, pi, end }
}

/** The page of the camera: for the hub's own machine through the tunnel, and for a visitor by the published port. */
async function works({ hub, visitor, home, hubAddress }: Picture): Promise<boolean> {
  const asks = [
    [hub, `http://${home.lan.camera}/`],
    [visitor, `http://${hubAddress}:${PUBLISHED}/`],
  ] as const
  const pages = await Promise.all(
    asks.map(async ([host, url]) => host.run('curl', ['--silent', '--max-time', '1', url], { allowFailure: true })),
  )
  return pages.every(({ stdout }) => stdout.includes('camera'))
}

/** Until the tunnel and the published port carry. @returns the seconds that it took, by whole looks of up to a second. */
export async function secondsUntilWorks(picture: Picture, timeoutMs = 120_000): Promise<number> {
  const from = performance.now()
  await until('tunnel and published port', () => works(picture), timeoutMs)
  return Math.round((performance.now() - from) / 100) / 10
}

/** What the journal has of the service's last start at this priority and above: its own lines, and systemd's of it. A laboratory boots with one kernel, so `--boot` would have all. */
export async function journalOf(
  machine: ScratchMachine,
  service: string,
  priority: string,
): Promise<readonly string[]> {
  const { stdout } = await machine.shell(`
id=$(systemctl show --property InvocationID --value ${service})
journalctl --quiet --no-pager --output cat --priority ${priority} _SYSTEMD_INVOCATION_ID=$id + INVOCATION_ID=$id`)
  return stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '')
}
