import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HubStatus } from '../../../hub/report/status.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { inviteHome, runHub, startAgent, statusOf } from '../../agent/lab-home.ts'
import { askedBy } from '../../lab/places/camera.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'

/** Beside a table that its program alone may change, as firewalld's since 2.3. One story: each test goes on from the last. */
let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
let owners: readonly LabProcess[]

/** In force as long as the program that made it lives: a line each, as nft takes them from a terminal. */
const OWNED = [
  'add table inet guarded { flags owner; }',
  'add chain inet guarded in { type filter hook input priority 10; policy drop; }',
  'add rule inet guarded in ct state established,related accept',
  'add rule inet guarded in iifname lo accept',
  'add rule inet guarded in meta l4proto { icmp, icmpv6 } accept',
  'add chain inet guarded pass { type filter hook forward priority 10; policy drop; }',
  'add rule inet guarded pass ct state established,related accept',
]
const ANYBODYS = 'table inet open_to_all { chain pass { type filter hook forward priority 20; policy drop; }; }'

async function own(host: Host): Promise<LabProcess> {
  await host.run('nft', [ANYBODYS])
  const owner = host.start('nft', ['-i'])
  owner.write(`${OWNED.join('\n')}\n`)
  for (const late = Date.now() + 30_000; !/chain pass \{\n.*\n\t\tct state/.test(await rulesOf(host)); await sleep(50))
    if (Date.now() > late) throw new Error(`no table with an owner: ${owner.stderr}`)
  return owner
}

const rulesOf = async (host: Host): Promise<string> => (await host.shell('nft list ruleset')).stdout

const hubStatus = async (): Promise<HubStatus> =>
  JSON.parse((await hub.homeward(['hub', 'status', '--json'], { allowFailure: true })).stdout) as HubStatus

const planOf = async (
  host: Host,
): Promise<{ readonly warnings: readonly string[]; readonly steps: readonly unknown[] }> =>
  JSON.parse((await host.homeward(['plan', '--json'], { allowFailure: true })).stdout) as Awaited<
    ReturnType<typeof planOf>
  >

/** What a warning says to add, as the table's own program does. */
function obey(owner: LabProcess, warning: string | undefined): void {
  for (const line of (warning ?? '').split('\n').slice(1)) owner.write(`${line.trim()}\n`)
}

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  ;({ hub } = picture)
  pi = picture.home.pi
  owners = await Promise.all([hub, pi].map(own))
})
afterAll(() => lab.close())

test('the hub comes up, sets what it can, and says which table refused', async () => {
  const init = ['hub', 'init', '--address', picture.hubAddress, '--yes']
  const { stderr } = await hub.homeward(init)
  expect(stderr).toContain(
    'Warning: the nftables table inet guarded takes no rules of homeward (Operation not permitted)',
  )
  expect((await hub.shell('ip -o link show dev hw0 up')).stdout).toContain('hw0')
  expect((await hub.shell('nft list table inet open_to_all')).stdout).toContain('comment "homeward ')
  await runHub(picture)
  await expect.poll(hubStatus).toMatchObject({
    problem: null,
    warnings: [
      expect.stringMatching(
        /^the nftables table inet guarded .*\n(.*\n)*insert rule inet guarded in udp dport 51820 accept/,
      ),
    ],
  })
  const text = await hub.homeward(['hub', 'status'], { allowFailure: true })
  expect(text.stdout).toContain('warning: the nftables table inet guarded')
  expect(text.exitCode).toBe(2)
})

test('a running hub goes on mending everything else', async () => {
  await hub.shell('nft delete table inet homeward && ip link set hw0 down && nft flush chain inet open_to_all pass')
  await expect.poll(() => rulesOf(hub), { timeout: 60_000 }).toContain('made_by_homeward')
  await expect
    .poll(() => hub.shell('ip -o link show dev hw0 up').then(({ stdout }) => stdout), { timeout: 60_000 })
    .toContain('hw0')
  await expect
    .poll(() => hub.shell('nft list table inet open_to_all').then(({ stdout }) => stdout), { timeout: 60_000 })
    .toContain('comment "homeward ')
})

test('what it says to add is enough, and then it says nothing more', async () => {
  obey(owners[0]!, (await hubStatus()).warnings?.[0])
  await expect.poll(async () => (await hubStatus()).warnings, { timeout: 60_000 }).toEqual([])
  expect((await hub.homeward(['hub', 'status'])).exitCode).toBe(0)
})

test('at home too: the tunnel comes up, plan and status say what is missing, until it is added', async () => {
  const { stderr } = await pi.homeward(['join', await inviteHome(picture), '--yes'])
  expect(stderr).toContain('Warning: the nftables table inet guarded takes no rules')
  await startAgent(pi)
  await expect.poll(() => planOf(pi)).toMatchObject({ steps: [] })
  const { warnings } = await planOf(pi)
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain('insert rule inet guarded pass iifname "hw0" accept')
  await expect
    .poll(() => statusOf(pi), { timeout: 60_000 })
    .toMatchObject({ tunnel: { state: 'up' }, router: { warnings } })
  expect((await pi.homeward(['status'])).stdout).toContain('warning')
  const camera = (withinSeconds: number) =>
    hub.run('curl', ['--silent', '--max-time', String(withinSeconds), `http://${picture.home.lan.camera}/`], {
      allowFailure: true,
    })
  expect((await camera(3)).stdout).toBe('')

  obey(owners[1]!, warnings[0])
  await expect.poll(async () => (await statusOf(pi)).router.warnings, { timeout: 60_000 }).toEqual([])
  await expect.poll(() => planOf(pi)).toMatchObject({ warnings: [], steps: [] })
  expect(askedBy((await camera(30)).stdout)).toBe(picture.home.lan.pi)
})

test('leaving goes on past a table that keeps rules of homeward, and says so', async () => {
  const marked = (table: string) =>
    `insert rule inet ${table} pass iifname "hw0" accept comment "homeward 0123456789ab"\n`
  owners[1]!.write(marked('guarded'))
  await expect.poll(() => rulesOf(pi), { timeout: 60_000 }).toContain('homeward 0123456789ab')
  const { stderr, stdout } = await pi.homeward(['leave', '--yes'])
  expect(stdout).toContain('cabin has left its hub')
  expect(stderr).toContain('rules of homeward stay in the table inet guarded')
  const left = await rulesOf(pi)
  expect(left).not.toContain('table inet homeward')
  expect(left.match(/comment "homeward /g)).toHaveLength(1)
})

test('uninstalling takes out of the other tables what is there, and says where it could not', async () => {
  const script = await readFile(new URL('../../../install.sh', import.meta.url), 'utf8')
  const undo = /^undo_network\(\) \{\n[^]*?^\}\n/m.exec(script)?.[0] ?? ''
  owners[0]!.write('insert rule inet guarded pass iifname "hw0" accept comment "homeward 0123456789ab"\n')
  await expect.poll(() => rulesOf(hub), { timeout: 60_000 }).toContain('homeward 0123456789ab')
  expect(await rulesOf(hub)).toMatch(/open_to_all[^]*comment "homeward /)
  const { stdout } = await hub.shell(
    `set -e; log=/dev/null; logged() { shift; "$@"; }; say() { echo "$@"; }\n${undo}\nundo_network`,
  )
  expect(stdout).toContain('inet guarded')
  const left = await rulesOf(hub)
  expect(left).not.toContain('table inet homeward')
  expect(left.match(/comment "homeward /g)).toHaveLength(1)
})
