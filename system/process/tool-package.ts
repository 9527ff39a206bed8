import { Problem } from '../../problems/problem.ts'

/** Debian's and Ubuntu's packages of the programs that homeward calls; Alpine and others call most of them the same. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  wg: 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
  conntrack: 'conntrack',
  ping: 'iputils-ping',
  ssh: 'openssh-client',
  systemctl: 'systemd',
}

/** Builds of these programs that lack what homeward asks of them, by what they say of it. */
const LACKING: readonly {
  readonly file: string
  readonly says: RegExp
  readonly why: string
  readonly next: string
}[] = [
  {
    file: 'ip',
    says: /^BusyBox v\d|unrecognized option:? '?-?-?j/m,
    why: 'this ip is BusyBox’s, which cannot answer in JSON',
    next: 'Install the whole one, which then comes first: the package iproute2 (apt-get install --no-install-recommends iproute2; apk add iproute2), on OpenWrt ip-full',
  },
  {
    file: 'nft',
    says: /JSON support not compiled/i,
    why: 'this nft was built without JSON',
    next: 'Install one with it: the package nftables of Debian, Ubuntu or Alpine, on OpenWrt nftables-json',
  },
]

/** A program that is not installed, with the package that has it where that is known. */
export function notInstalled(file: string, cause: unknown): Problem {
  const name = PACKAGES[file]
  return new Problem('tool-missing', {
    what: `starting ${file}`,
    why: 'it is not installed',
    next: name === undefined ? undefined : `Install it: apt-get install --no-install-recommends ${name}`,
    cause,
  })
}

/** A program that is there and can do too little; null: what it says is something else. */
export function lacksFeature(file: string, stderr: string): Problem | null {
  const found = LACKING.find((one) => one.file === file && one.says.test(stderr))
  return found === undefined
    ? null
    : new Problem('tool-missing', { what: `asking ${file}`, why: found.why, next: found.next })
}
