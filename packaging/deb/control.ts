import type { Architecture } from '../node/own-node.ts'

/** Whom Debian's tools name. The project has no mail address of its own yet: example.org is nobody's (RFC 2606). */
const MAINTAINER = 'homeward developers <homeward@example.org>'

/** What install.sh installs, and what nodejs.org's Node is linked with. */
const DEPENDS = [
  'conntrack',
  'iproute2',
  'iputils-ping',
  'libc6 (>= 2.28)',
  'libgcc-s1',
  'libstdc++6 (>= 8)',
  'nftables',
  'passwd',
  'procps',
  'systemd | systemd-standalone-sysusers | systemd-sysusers',
  'wireguard-tools',
]

/** What a package says of itself. */
export interface DebFacts {
  /** As semver.org has it. */
  readonly version: string
  readonly architecture: Architecture
  /** Seconds since 1970. */
  readonly committedAt: number
}

/** The same version for dpkg: a tilde sorts a pre-release before its release (deb-version(7)). */
export function debVersion(version: string): string {
  const [release = '', build] = version.split('+')
  const same = release.replace('-', '~').replaceAll('-', '.')
  return build === undefined ? same : `${same}+${build.replaceAll('-', '.')}`
}

/** The file `control` (deb-control(5)). @param installedBytes of all files. */
export function controlOf({ version, architecture }: DebFacts, installedBytes: number): string {
  return `Package: homeward
Version: ${debVersion(version)}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${Math.ceil(installedBytes / 1024)}
Depends: ${DEPENDS.join(', ')}
Suggests: wireguard-go
Section: net
Priority: optional
Description: home behind carrier-grade NAT, reachable from anywhere
 homeward keeps a WireGuard tunnel between a home and a small VPS, notices
 within seconds when it dies, says why, and fixes it. Phones and laptops
 connect to the VPS with the stock WireGuard apps and are on the home network.
 .
 The same package serves the VPS and the home. It brings its own Node.js,
 which no other program sees.
`
}

/** The file `changelog` (deb-changelog(5)). What changed stands in CHANGELOG.md. */
export function changelogOf({ version, committedAt }: DebFacts): string {
  const at = new Date(committedAt * 1000).toUTCString().replace('GMT', '+0000')
  return `homeward (${debVersion(version)}) stable; urgency=medium

  * What changed is told in /usr/share/doc/homeward/CHANGELOG.md.

 -- ${MAINTAINER}  ${at}
`
}
