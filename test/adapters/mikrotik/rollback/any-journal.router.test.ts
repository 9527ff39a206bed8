import { access, readFile, writeFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { applyDesired } from '../../../../adapters/apply.ts'
import { seededRandom } from '../../../fake/routeros/misbehaviour.ts'
import { someOf } from '../../../long.ts'
import { type CutOffRouter, cutOffRouter, HOME, HUB, OTHER_HOME, signal } from '../cut-off-router.ts'

vi.setConfig({ testTimeout: 600_000 })

type Random = () => number

const WG = '/interface/wireguard'
const RULES = ['/ip/firewall/filter', '/ip/firewall/nat', '/ip/firewall/mangle']

/** What somebody may do to a router between a change and whoever plays its journal. Each may be refused. */
const DEEDS: readonly ((random: Random) => string)[] = [
  () => `${WG}/remove [find where name=hw0]`,
  () => `${WG}/set [find where name=hw0] name=tunnel`,
  () => `${WG}/set [find where name=tunnel] name=hw0`,
  () => `${WG}/set [find where name=hw0] disabled=yes`,
  () => `${WG}/set [find where name=hw0] comment=mine`,
  () => `${WG}/add name=hw0 comment=mine`,
  () => `${WG}/peers/remove [find where interface=hw0]`,
  () => `${WG}/peers/add interface=wg-office public-key="${HUB}"`,
  () => `${WG}/peers/set [find where interface=hw0] interface=wg-office`,
  () => '/ip/address/remove [find where interface=hw0]',
  () => '/ip/address/set [find where interface=hw0] interface=bridge',
  () => '/ip/address/add address=10.86.0.2/16 interface=wg-office',
  () => '/ip/route/remove [find where comment~"^homeward hw0"]',
  () => '/ip/route/add dst-address=10.86.0.0/16 gateway=wg-office',
  () => '/interface/list/remove [find where name=LAN]',
  (random) => `${pick(random, RULES)}/remove [find where comment~"^homeward hw0"]`,
  (random) => `${pick(random, RULES)}/set [find where comment~"^homeward hw0"] disabled=yes`,
  (random) => `${pick(random, RULES)}/set [find where comment~"hw0 (out|forward-drop|mss-in)"] out-interface=bridge`,
  (random) => `${pick(random, RULES)}/add chain=forward action=accept place-before=0 comment="mine ${random()}"`,
  () => '/ip/firewall/filter/set [find where comment="homeward hw0 forward-drop"] in-interface-list=LAN',
  () => '/ip/firewall/filter/remove [find where comment=invalid]',
  () => '/ip/firewall/filter/move [find where comment~"^homeward hw0"]',
]

/** What becomes of a journal's rows, as if it had been written of another router. */
const FORGERIES: readonly ((row: JournalRow, random: Random) => readonly JournalRow[])[] = [
  (row) => [row],
  () => [],
  (row) => [row, row],
  (row) => [with_(row, 'in-interface', '*7')],
  (row) => [with_(row, 'interface', 'nowhere')],
  (row) => [with_(row, 'gateway', '*2F')],
  (row) => [with_(row, 'disabled', 'perhaps')],
  (row) => [with_(row, 'a-word-of-8.1', 'yes')],
  (row) => [with_(row, 'out-interface-list', 'gone')],
  (row) => [{ ...row, before: '*FFFFFF' }],
  (row) => [{ ...row, key: 'another' }],
  (row) => [{ ...row, next: undefined }],
]

interface JournalRow {
  readonly key: string
  readonly attributes: Readonly<Record<string, string>>
  readonly before: string | null
  readonly next?: Readonly<Record<string, string>> | undefined
}

function with_(row: JournalRow, name: string, value: string): JournalRow {
  return { ...row, attributes: { ...row.attributes, [name]: value } }
}

function pick<Choice>(random: Random, choices: readonly Choice[]): Choice {
  return choices[Math.floor(random() * choices.length)] as Choice
}

async function deeds(of: CutOffRouter, random: Random, most: number): Promise<readonly string[]> {
  const done: string[] = []
  for (let count = Math.floor(random() * (most + 1)); count > 0; count -= 1) {
    const deed = pick(random, DEEDS)(random)
    const isTaken = await of.router.console(deed).then(
      () => true,
      () => false,
    )
    if (isTaken) done.push(deed)
  }
  return done
}

async function forge(of: CutOffRouter, random: Random): Promise<void> {
  const written = JSON.parse(await readFile(of.journal, 'utf8')) as {
    snapshot: Record<string, JournalRow[]>
    undoer: unknown
  }
  for (const [menu, rows] of Object.entries(written.snapshot))
    written.snapshot[menu] = rows.flatMap((row) => (random() < 0.7 ? [row] : pick(random, FORGERIES)(row, random)))
  const until = Date.now() / 1_000 + (random() < 0.5 ? 90 : -900)
  if (random() < 0.3)
    written.undoer = pick(random, [{ kind: 'safe-mode' }, { kind: 'job', id: '*1', until }, { kind: 'schedule' }])
  await writeFile(of.journal, JSON.stringify(written))
}

/** One history, and all that must hold after it. */
async function history(of: CutOffRouter, random: Random): Promise<void> {
  const before = pick(random, [null, HOME, OTHER_HOME])
  const told: string[] = [`from ${before === null ? 'nothing' : before.address}`]
  await of.bring(before)
  told.push(...(await deeds(of, random, 1)))
  try {
    const steps = 1 + Math.floor(random() * 14)
    await of.cutOff(pick(random, [HOME, OTHER_HOME]), steps)
    told.push(`cut off after ${steps}`)
  } catch {
    told.push('a change that could not be begun')
  }
  if (random() < 0.5)
    await forge(of, random).then(
      () => told.push('forged'),
      () => undefined,
    )
  told.push(...(await deeds(of, random, 4)))
  if (random() < 0.2) {
    of.router.switches.renumbersAtReboot = random() < 0.5
    await of.router.reboot()
    told.push('restarted')
  }
  const said = told.join('\n')
  const touched = of.others()

  const adapter = of.open()
  const observed = await adapter.observe(signal())
  await expect(access(of.journal), said).rejects.toThrow('ENOENT')
  expect(of.others(), said).toBe(touched)
  const { refusals } = adapter.plan(observed, [HOME])
  if (refusals.length === 0) {
    await applyDesired(adapter, [HOME], signal())
    // What hangs on an interface under an owner's name for it is seen once it has its own again.
    await applyDesired(adapter, [HOME], signal())
    expect(adapter.plan(await adapter.observe(signal()), [HOME]), said).toMatchObject({ steps: [], refusals: [] })
    expect(of.others(), said).toBe(touched)
  }
  await applyDesired(adapter, [], signal())
  expect(of.ours(), said).toEqual([])
  expect(of.others(), said).toBe(touched)
  await adapter.close()
}

test('whatever the router and whatever the journal, it ends in a state from which the next plan works', async () => {
  for (const seed of someOf(
    Array.from({ length: 500 }, (_, index) => index + 1),
    24,
  )) {
    const random = seededRandom(seed)
    const of = await cutOffRouter({ version: pick(random, ['7.12.2', '7.16.2', '7.18.2', '7.21']) })
    await history(of, random).catch((thrown: unknown) => {
      throw new Error(`seed ${seed}`, { cause: thrown })
    })
    await of.router.close()
  }
})
