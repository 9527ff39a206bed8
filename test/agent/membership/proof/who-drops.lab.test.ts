import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Culprit } from '../../../../agent/membership/proof/culprit.ts'
import { bundleFor } from '../../../lab/host/bundle.ts'
import type { Host } from '../../../lab/host/host.ts'
import { createLab, type Lab } from '../../../lab/lab.ts'
import { buildPicture, type Picture } from '../../../lab/picture.ts'
import { isLong } from '../../../long.ts'
import { inviteHome, startHub } from '../../lab-home.ts'

/** A home that was joined once, and something that keeps its tunnel down since. */
let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
let program: string

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  ;({ hub } = picture)
  pi = picture.home.pi
  await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  program = await bundleFor(pi.disk.configDir, new URL('ask-who-drops.ts', import.meta.url))
})
afterAll(() => lab.close())

async function culprit(): Promise<Culprit> {
  // Without a session, and from another port, WireGuard begins with a handshake, again and again.
  await pi.shell(`port=$(wg show hw0 listen-port)
wg showconf hw0 | sed "s/^ListenPort = .*/ListenPort = $((port > 60000 ? port - 9000 : port + 7))/" > /run/wg.conf
wg setconf hw0 /run/wg.conf`)
  const traffic = pi.start('ping', ['-i', '0.3', '10.86.0.1'])
  try {
    const { stdout } = await pi.run(process.execPath, [program, pi.disk.configDir, picture.hubAddress])
    if (process.env['SHOW'] !== undefined) console.log(stdout)
    return (JSON.parse(stdout) as { readonly culprit: Culprit }).culprit
  } finally {
    await traffic.kill('SIGKILL')
  }
}

const nft = (text: string): string => `nft -f - <<'X'\n${text}\nX`

interface Situation {
  readonly name: string
  readonly where: () => Host
  readonly breaks: string
  readonly mends: string
  readonly who: Culprit['who']
  readonly said: RegExp
}

const SITUATIONS: readonly Situation[] = [
  {
    name: 'nftables by the wiki on the VPS: the last rule goes to a chain that rejects',
    where: () => hub,
    breaks: nft(`table inet filter {
  chain input { type filter hook input priority 0; policy accept; iifname "lo" accept; tcp dport 51820 accept; ct state established accept; jump rejects; }
  chain rejects { reject; }
}`),
    mends: 'nft delete table inet filter',
    who: 'vps',
    said: /table inet filter, chain rejects, "reject" drops them/,
  },
  {
    name: 'the old tunnel’s DNAT on the VPS',
    where: () => hub,
    breaks: 'iptables -t nat -A PREROUTING -i eth0 -p udp -j DNAT --to-destination 10.0.0.2',
    mends: 'iptables -t nat -F PREROUTING',
    who: 'vps',
    said: /table ip nat, chain PREROUTING, ".*dnat to 10\.0\.0\.2" leads them to "10\.0\.0\.2/,
  },
  {
    name: 'iptables-legacy on the VPS',
    where: () => hub,
    breaks: 'iptables-legacy -t raw -A PREROUTING -p udp --dport 51820 -j DROP',
    mends: 'iptables-legacy -t raw -F PREROUTING',
    who: 'vps',
    said: /table iptables-legacy raw, chain PREROUTING, "-p udp -m udp --dport 51820 -j DROP"/,
  },
  {
    name: 'the provider’s firewall',
    where: () => picture.internet,
    breaks: nft(
      'table ip provider { chain forward { type filter hook forward priority 0; policy accept; oifname "hub0" udp dport 51820 drop; }; }',
    ),
    mends: 'nft delete table ip provider',
    who: 'provider',
    said: /pass every router before it/,
  },
  {
    name: 'the home’s router',
    where: () => picture.home.router,
    breaks: nft(
      'table ip parental { chain forward { type filter hook forward priority 0; policy accept; udp dport 51820 drop; }; }',
    ),
    mends: 'nft delete table ip parental',
    who: 'line',
    said: /192\.168\.1\.1, router 1, and no farther/,
  },
  {
    name: 'the carrier, handshakes alone',
    where: () => picture.carrier.host,
    breaks: nft(
      'table ip inspects { chain forward { type filter hook forward priority 0; policy accept; udp length 156 @th,64,32 0x01000000 drop; }; }',
    ),
    mends: 'nft delete table ip inspects',
    who: 'line',
    said: /none of WireGuard’s handshakes.*; they get to 100\.64\.1\.1, router 2, and no farther/,
  },
  {
    name: 'the provider’s firewall, handshakes alone',
    where: () => picture.internet,
    breaks: nft(
      'table ip provider { chain forward { type filter hook forward priority 0; policy accept; oifname "hub0" udp length 156 @th,64,32 0x01000000 drop; }; }',
    ),
    mends: 'nft delete table ip provider',
    who: 'provider',
    said: /none of WireGuard’s handshakes.*, though they pass every router before it/,
  },
  {
    name: 'the Pi’s own firewall',
    where: () => pi,
    breaks: nft(
      'table ip own { chain out { type filter hook output priority 0; policy accept; udp length 156 drop; }; }',
    ),
    mends: 'nft delete table ip own',
    who: 'home',
    said: /table ip own, chain out, "udp length 156 drop"/,
  },
]

/** The combinations are in culprit.test.ts; here are those whose evidence takes a kernel. */
const USUAL = isLong ? SITUATIONS : SITUATIONS.filter(({ name }) => !/legacy|Pi|provider’s firewall, h/.test(name))

test.each(USUAL)('$name', async ({ where, breaks, mends, who, said }) => {
  await where().shell(breaks)
  try {
    expect(await culprit()).toMatchObject({ who, said: expect.stringMatching(said) as string })
  } finally {
    await where().shell(mends)
  }
})
