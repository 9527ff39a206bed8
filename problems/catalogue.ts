import { UPGRADE } from './upgrade.ts'

/** What a person can do about a problem, and the exit status the command ends with. */
export interface Advice {
  /** The next step as a full sentence, without the final full stop. */
  readonly next: string
  /** 1: the command failed. 64: usage error (EX_USAGE of sysexits.h). */
  readonly exit: 1 | 64
}

/**
 * Every problem homeward can report. Codes are stable: scripts match on them. The thrower may give a more exact next
 * step than the one here, never none.
 */
export const catalogue = {
  'wrong-usage': { next: 'See homeward --help', exit: 64 },
  'needs-yes': { next: 'Pass --yes to go ahead without being asked', exit: 64 },
  'setup-unanswered': { next: 'Pass what it names, or run it at a terminal, which asks', exit: 64 },
  'no-root': { next: 'Run it again with sudo', exit: 1 },
  'tool-missing': { next: 'Install it with apt-get install --no-install-recommends', exit: 1 },
  'no-wireguard': {
    next: 'Install wireguard-go (apt-get install --no-install-recommends wireguard-go) or boot a kernel with the wireguard module',
    exit: 1,
  },
  'upgrade-elsewhere': {
    next: 'Upgrade what it runs from: the image of a container, or the folder of a checkout',
    exit: 1,
  },
  'nothing-offered': {
    next: 'Name a release that you have: homeward upgrade FILE, which is a release, the folder where it is unpacked, or a package where homeward is one',
    exit: 1,
  },
  'command-failed': { next: 'Fix what it says, then try again', exit: 1 },
  'command-timeout': { next: 'Try again; if it happens twice, look at the load of this machine', exit: 1 },
  'config-missing': { next: 'Run homeward join TOKEN with a token from your hub', exit: 1 },
  'config-invalid': { next: 'Correct the file and try again', exit: 1 },
  'config-unreadable': { next: 'Check that the file is there and that you may read it', exit: 1 },
  'secret-exposed': { next: 'Let only its owner read it: chmod 600 FILE', exit: 1 },
  interrupted: { next: 'What was done has been undone; run it again when you are ready', exit: 1 },
  'already-joined': {
    next: 'To join again with this home’s settings, after the hub forgot it or with another hub: homeward join --again TOKEN. To start over: homeward leave first',
    exit: 1,
  },
  'role-taken': {
    next: 'Use another machine: a hub is a VPS on the internet, a home is behind the carrier’s NAT',
    exit: 1,
  },
  'hub-not-initialised': { next: 'Run homeward hub init --address HOST on the VPS first', exit: 1 },
  'hub-settings-differ': { next: 'Edit hub.yaml by hand and restart homeward hub run', exit: 1 },
  'token-malformed': { next: 'Copy the whole token again, from hw1. to its last character', exit: 1 },
  'token-damaged': { next: 'Copy the whole token again: a character was lost or changed', exit: 1 },
  'token-version': { next: `Upgrade homeward on both ends to the same version: ${UPGRADE}`, exit: 1 },
  'token-expired': { next: 'Make a new one on the hub: homeward hub invite HOME', exit: 1 },
  'token-used': { next: 'Make a new one on the hub: homeward hub invite HOME', exit: 1 },
  'token-unknown': { next: 'Make a new one on the hub: homeward hub invite HOME', exit: 1 },
  'name-unresolved': { next: 'Check the name and this machine’s DNS (getent hosts NAME)', exit: 1 },
  'hub-unreachable': {
    next: 'Run homeward hub status on the VPS: it says whether the hub runs and whether packets from outside reach it; if all is well there, they are lost before it: at the firewall of the VPS’s provider, or on this line',
    exit: 1,
  },
  'certificate-mismatch': {
    next: 'Another machine answers at this address, or the hub was set up again: make a new token on the hub you trust',
    exit: 1,
  },
  'answer-invalid': { next: `Upgrade homeward on both ends to the same version: ${UPGRADE}`, exit: 1 },
  'request-invalid': {
    next: `If what is named is a value of yours, correct it; else upgrade homeward on both ends to the same version: ${UPGRADE}`,
    exit: 1,
  },
  'hub-older': {
    next: `The hub runs an older homeward, which does not know what was asked of it: upgrade the hub (${UPGRADE})`,
    exit: 1,
  },
  'body-too-large': { next: 'Nothing homeward sends is that large: check what is calling', exit: 1 },
  'right-missing': { next: 'Ask the hub’s owner for it, who gives it there with the command that is named', exit: 1 },
  'quota-reached': { next: 'Remove what is not needed any more, or ask the hub’s owner for more', exit: 1 },
  'request-missing': { next: 'See what waits for you with homeward hub approve', exit: 1 },
  'drill-refused': { next: 'The hub’s owner allows drills with drills: true in hub.yaml there', exit: 1 },
  'drill-in-use': { next: 'Try again when nobody has used the tunnel for two minutes', exit: 1 },
  'drill-not-now': { next: 'See homeward status, and try again later', exit: 1 },
  'rate-limited': { next: 'Wait a minute and try again', exit: 1 },
  'carriers-full': {
    next: 'Try again later: other homes come over TCP too, and the hub takes so many of them',
    exit: 1,
  },
  'home-unknown': {
    next: 'Join again with a new token: homeward hub invite HOME on the hub, then sudo homeward join --again TOKEN at home',
    exit: 1,
  },
  'home-name-invalid': { next: 'Use 1 to 32 of a-z, 0-9 and -, beginning with a letter', exit: 64 },
  'home-missing': { next: 'See the names with homeward hub status', exit: 1 },
  'device-name-invalid': { next: 'Use 1 to 32 of a-z, 0-9 and -, beginning with a letter', exit: 64 },
  'device-exists': { next: 'Choose another name, or homeward device rotate NAME for a new file of that one', exit: 1 },
  'exit-refused': {
    next: 'Allow it: put exit: true under lan in agent.yaml of that home; it is taken within seconds',
    exit: 1,
  },
  'device-missing': { next: 'See the names with homeward device list', exit: 1 },
  'publication-invalid': {
    next: 'Give PORT[-PORT]/tcp or /udp and the service’s IPv4 address and port: homeward publish add 443/tcp 192.168.1.20:443',
    exit: 64,
  },
  'publication-exists': {
    next: 'Publish another port, or take that one back: homeward publish remove PORT/tcp',
    exit: 1,
  },
  'publications-full': {
    next: 'Lead a range to the same numbers, which counts as one; or publish fewer ports, or take some back: homeward publish remove PORT/tcp',
    exit: 1,
  },
  'publication-missing': { next: 'See what there is with homeward publish list', exit: 1 },
  'source-not-kept': {
    next: 'Pass --source hide; or run the service on the machine that the tunnel ends on; or let the tunnel end on the router: homeward join --router mikrotik or openwrt',
    exit: 1,
  },
  'outgoing-refused': {
    next: 'Publish it without --outgoing; what it takes is in docs/publishing.md, “Sending by the VPS’s address”',
    exit: 1,
  },
  'channel-missing': { next: 'Add one with homeward alert add NAME; docs/alerts.md lists what there is', exit: 1 },
  'channel-exists': { next: 'Choose another name, or remove that one first: homeward alert remove NAME', exit: 1 },
  'channel-invalid': {
    next: 'Give the channel as one line, such as ntfys://ntfy.sh/TOPIC; docs/alerts.md lists every kind',
    exit: 1,
  },
  'no-hand-over': { next: 'Announce one with homeward hub rotate-identity', exit: 1 },
  'homes-left-behind': {
    next: `Upgrade homeward at those homes (${UPGRADE}); each tells the hub with its next registration, within ten minutes. Or cut them off, to be invited again: --leave-behind`,
    exit: 1,
  },
  'network-not-followed': {
    next: `Upgrade homeward at those homes (${UPGRADE}); each tells the hub with its next registration, within ten minutes. Or remove one that is gone: homeward hub remove HOME. Until then the network stays as it is`,
    exit: 1,
  },
  'network-full': { next: 'Remove homes or devices that are gone, or start a hub with a larger --network', exit: 1 },
  'address-invalid': { next: 'Give an IPv4 address, an IPv6 address or a host name', exit: 64 },
  'prefix-invalid': { next: 'Write a prefix as ADDRESS/LENGTH, for example 192.168.1.0/24', exit: 64 },
  'lan-overlaps': {
    next: 'Let the hub know it by other numbers, host by host: homeward join TOKEN --lan OWN=FREE, where OWN is the network at home and FREE one that nobody has; or pass another with --lan CIDR, or renumber one of the two',
    exit: 1,
  },
  'lan-too-many': {
    next: 'Summarise them: write neighbouring networks as one larger prefix (192.168.0.0/24 and 192.168.1.0/24 are 192.168.0.0/23), and leave out what lies in another one or need not be reached',
    exit: 1,
  },
  'lan-unclear': { next: 'Say which network is the home’s with --lan CIDR', exit: 1 },
  'port-taken': {
    next: 'Stop what uses the port, or choose another one: --port for the hub itself, another PORT to publish',
    exit: 1,
  },
  'interface-taken': {
    next: 'Choose another name with --interface NAME: homeward never touches an interface it did not make',
    exit: 1,
  },
  'firewall-taken': { next: 'Rename that nftables table: homeward only touches what it made', exit: 1 },
  'router-unsupported': { next: 'Use --router linux, --router mikrotik or --router openwrt', exit: 64 },
  'router-unconfirmed': {
    next: 'Compare the fingerprint with the one that the router shows, then pass it with --tls-fingerprint or --host-key',
    exit: 64,
  },
  'router-unreachable': {
    next: 'Check the address, that the router is on, and that it lets this machine in: by its API service (MikroTik: /ip/service/print), by SSH (OpenWrt)',
    exit: 1,
  },
  'router-login-refused': {
    next: 'Check the user and what it logs in with, and that it may come from this machine (MikroTik: /user/print; OpenWrt: /etc/dropbear/authorized_keys)',
    exit: 1,
  },
  'router-certificate-mismatch': {
    next: 'Another machine answers at this address, or the router has a new certificate: compare /certificate/print detail on the router, then set the new fingerprint',
    exit: 1,
  },
  'router-certificate-missing': {
    next: 'Make one with the commands that homeward router mikrotik-setup prints',
    exit: 1,
  },
  'router-timeout': {
    next: 'Try again; if it happens twice, look at the load of the router and at the line to it',
    exit: 1,
  },
  'router-library-mismatch': { next: 'Install homeward again with its own package-lock.json: npm ci', exit: 1 },
  'router-version-unsupported': {
    next: 'Upgrade the router, to RouterOS 7.1 at least (/system/package/update/install) or OpenWrt 22.03 (sysupgrade)',
    exit: 1,
  },
  'router-rights-missing': {
    next: 'Give its group what is missing, as in the commands that homeward router mikrotik-setup prints',
    exit: 1,
  },
  'router-host-key-mismatch': {
    next: 'Another machine answers at this address, or the router was reset or reinstalled: look at its host key on the router itself, then set router.hostKey in agent.yaml to it',
    exit: 1,
  },
  'router-changes-pending': {
    next: 'Look at them with uci changes on the router, then uci commit or uci revert them: homeward never commits what it did not change',
    exit: 1,
  },
  'router-apply-unconfirmed': {
    next: 'Confirm the change in LuCI, or wait until it was taken back, then try again; a running agent tries again by itself',
    exit: 1,
  },
  'router-busy': {
    next: 'Let the person who is working on the router finish, then try again; a running agent tries again by itself',
    exit: 1,
  },
  'router-change-cut-off': {
    next: 'Run homeward plan: it tries to take that back again, and says what the router answers',
    exit: 1,
  },
  'router-flash-full': {
    next: 'Make room on the router (df -k /overlay there shows what is left): remove packages and files that nobody needs, or use a larger image, then try again',
    exit: 1,
  },
  'router-packages-unreachable': {
    next: 'Check the router’s line, its DNS and its clock (downloads are refused when it is wrong), then try again',
    exit: 1,
  },
  'router-packages-mismatch': {
    next: 'Upgrade the router to a release whose packages are still offered, with sysupgrade, or build wireguard-tools into its image',
    exit: 1,
  },
  'router-refused': { next: 'Fix what the router says, then try again', exit: 1 },
  'router-not-restored': { next: 'Look at what differs now with homeward plan, then run homeward apply', exit: 1 },
  'router-through-tunnel': {
    next: 'Reach the router by an address of its LAN, and set that as router.host',
    exit: 1,
  },
  'router-taken': {
    next: 'Remove it on the router if it is not needed, or start the hub with another --network: homeward never touches what it did not make',
    exit: 1,
  },
  'router-raw-drops': {
    next: 'Add that rule on the router, then try again; nothing of homeward’s own goes into that table',
    exit: 1,
  },
  'router-rollback-unavailable': {
    next: 'Upgrade the router to RouterOS 7.18 or newer, which has safe mode, or let its user run scripts: a router that could not undo a change is left as it is',
    exit: 1,
  },
  'step-failed': { next: 'Fix the reason, then run homeward apply', exit: 1 },
  'tunnel-unproven': {
    next: 'Run homeward hub status on the VPS, which says whether packets from outside reach the hub, then join again with the same token',
    exit: 1,
  },
  'store-damaged': { next: 'Put back a backup of the file; it was left untouched', exit: 1 },
  'store-newer': { next: 'Upgrade homeward on this machine; the file was left untouched', exit: 1 },
  'write-failed': { next: 'Check the free space and the permissions; the old file was left untouched', exit: 1 },
  'backup-invalid': { next: 'Take another copy of it, or another backup; nothing was changed', exit: 1 },
  'backup-newer': { next: `Upgrade homeward on this machine first (${UPGRADE}); nothing was changed`, exit: 1 },
  'passphrase-wrong': { next: 'Give the one with which it was made; nothing was changed', exit: 1 },
  'already-set-up': {
    next: 'Pass --replace to lay aside what is there and put the backup in its place; or restore on another machine',
    exit: 1,
  },
  'file-exists': { next: 'Choose another name, or move that file away', exit: 1 },
  'agent-not-running': { next: 'Start it: systemctl start homeward, or homeward run in the foreground', exit: 1 },
  'already-running': { next: 'Stop the other one first', exit: 1 },
  'no-answer': { next: 'Look at the log of the daemon: journalctl -u homeward -u homeward-hub', exit: 1 },
  internal: { next: 'This is a fault of homeward: please report it with what you did', exit: 1 },
} as const satisfies Record<string, Advice>

export type ProblemCode = keyof typeof catalogue

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(catalogue, text)
}
