import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteHome, startAgent, startHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { homewardCommand } from '../../lab/homeward.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'

/** Oracle's images end INPUT and FORWARD in a REJECT and let ssh in; Docker sets FORWARD to DROP and jumps to chains of its own; and somebody has an nftables.conf. */
const STRICT = `
iptables -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
iptables -A INPUT -p icmp -j ACCEPT
iptables -A INPUT -i lo -j ACCEPT
iptables -A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
iptables -A INPUT -j REJECT --reject-with icmp-host-prohibited
iptables -N DOCKER-USER
iptables -N DOCKER-FORWARD
iptables -A DOCKER-USER -j RETURN
iptables -A FORWARD -j DOCKER-USER
iptables -A FORWARD -j DOCKER-FORWARD
iptables -A FORWARD -j REJECT --reject-with icmp-host-prohibited
iptables -P FORWARD DROP
ip6tables -A INPUT -j REJECT
ip6tables -P FORWARD DROP
nft -f - <<'X'
table inet hardened {
  chain forward {
    type filter hook forward priority 10; policy drop;
    iifname lo accept comment "mine"
  }
  chain input {
    type filter hook input priority 10; policy accept;
    ct state established,related accept
    iifname lo accept
    tcp dport 22 accept
    meta l4proto icmp accept
    reject
  }
}
X`

let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
let before: readonly string[]

const rulesOf = async (host: Host): Promise<string> =>
  (await host.shell('iptables-save; ip6tables-save; ip rule; nft list table inet hardened')).stdout
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\[\d+:\d+\]/g, '')

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  ;({ hub } = picture)
  pi = picture.home.pi
  await Promise.all([hub.shell(STRICT), pi.shell(STRICT)])
  before = await Promise.all([hub, pi].map(rulesOf))
  await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await startAgent(pi)
  await Promise.all([serveEcho(pi, 'pi', 8123), serveEcho(picture.home.camera, 'camera', 554)])
})
afterAll(() => lab.close())

const ask = (protocol: 'tcp' | 'udp', port: number) => askService(picture.visitor, protocol, picture.hubAddress, port)

test('a phone opens the camera, and visitors reach what is published, in both ways', async () => {
  const conf = join(picture.phone.disk.configDir, 'phone.conf')
  const { stdout } = await pi.homeward(['device', 'add', 'phone', '--conf', '-'])
  await writeFile(conf, stdout, { mode: 0o600 })
  await picture.phone.run('wg-quick', ['up', conf])
  const page = await picture.phone.run('curl', ['-sS', '--max-time', '30', `http://${picture.home.lan.camera}/`])
  expect(page.stdout).toContain('camera')

  await pi.homeward(['publish', 'add', '8123/tcp', 'localhost:8123'])
  await pi.homeward(['publish', 'add', '8123/udp', 'localhost:8123'])
  await pi.homeward(['publish', 'add', '554/tcp', `${picture.home.lan.camera}:554`])
  expect(await ask('tcp', 554)).toBe(`camera sees ${picture.home.lan.pi}`)
  for (const protocol of ['tcp', 'udp'] as const)
    await expect.poll(() => ask(protocol, 8123), { timeout: 60_000 }).toBe('pi sees 198.18.0.20')
})

test('their rules all stand as they did, and nothing is let in that the tunnel does not need', async () => {
  const [hubRules, piRules] = await Promise.all([hub, pi].map(rulesOf))
  const without = (rules: string): string =>
    rules
      .split('\n')
      .filter((line) => !/--comment homeward|proto 86|comment "homeward /.test(line))
      .join('\n')
  expect([without(hubRules!), without(piRules!)]).toEqual(before)
  // From outside nothing of the Pi or the hub's own can be reached that could not before.
  await serveEcho(hub, 'hub', 2222)
  expect(await ask('tcp', 2222)).toBeNull()
  expect(await askService(picture.home.camera, 'tcp', picture.home.lan.pi, 8123)).toBeNull()
})

test('a rule that somebody takes away comes back', async () => {
  const rule = 'FORWARD -i hw0 -m comment --comment homeward -j ACCEPT'
  await hub.shell(`iptables -D ${rule}`)
  await expect.poll(() => rulesOf(hub), { timeout: 60_000 }).toContain(`-A ${rule}`)
  expect(await ask('tcp', 554)).not.toBeNull()
})

const legacyOf = async (host: Host): Promise<string> =>
  (await host.shell('iptables-legacy-save; ip6tables-legacy-save')).stdout

test('rules in the older iptables beside those of nf_tables are met too, and a refusal to show them is said', async () => {
  for (const host of [hub, pi]) {
    await host.shell('iptables-legacy -P FORWARD DROP && ip6tables-legacy -A INPUT -j REJECT')
    await expect
      .poll(() => legacyOf(host), { timeout: 60_000 })
      .toContain('-A FORWARD -i hw0 -m comment --comment homeward -j ACCEPT')
  }
  expect(await legacyOf(hub)).toContain('-A INPUT -p udp -m udp --dport 51820 -m comment --comment homeward -j ACCEPT')
  expect(await ask('tcp', 554)).not.toBeNull()

  const withoutRaw = ['--inh-caps=-net_raw', '--bounding-set=-net_raw', process.execPath, homewardCommand()]
  const { stdout } = await pi.run('setpriv', [...withoutRaw, 'plan', '--json'])
  const { warnings } = JSON.parse(stdout) as { readonly warnings: readonly string[] }
  expect(warnings).toEqual(
    ['iptables-legacy', 'ip6tables-legacy'].map((name): unknown =>
      expect.stringMatching(new RegExp(`^${name} could not be looked at \\(.*Permission denied`)),
    ),
  )
})

test('after leaving and uninstalling, the rule sets are what they were', async () => {
  await pi.homeward(['leave', '--yes'])
  expect(await rulesOf(pi)).toBe(before[1])
  expect(await legacyOf(pi)).not.toContain('homeward')
  const script = await readFile(new URL('../../../install.sh', import.meta.url), 'utf8')
  const undo = /^undo_network\(\) \{\n[^]*?^\}\n/m.exec(script)?.[0] ?? ''
  await lab.reboot(hub, { offMs: 0 })
  await hub.shell(`${STRICT}\niptables-legacy -P FORWARD DROP`)
  expect(await rulesOf(hub)).toBe(before[0])
  const init = ['hub', 'init', '--address', picture.hubAddress, '--yes']
  await hub.homeward(init)
  expect(await rulesOf(hub)).toContain('--comment homeward')
  expect(await legacyOf(hub)).toContain('--comment homeward')
  await hub.shell(`set -e; log=/dev/null; logged() { shift; "$@"; }; say() { echo "$@"; }\n${undo}\nundo_network`)
  expect(await rulesOf(hub)).toBe(before[0])
  expect(await legacyOf(hub)).not.toContain('homeward')
})
