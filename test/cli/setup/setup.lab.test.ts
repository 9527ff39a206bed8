import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runHub } from '../../agent/lab-home.ts'
import type { NeighbourPlan } from '../../fake/discovery/neighbour.ts'
import { bundleFor } from '../../lab/host/bundle.ts'
import type { Host } from '../../lab/host/host.ts'
import { CLEAR, CTRL_C, ENTER, openTerminal, type Terminal } from '../../lab/host/terminal.ts'
import { homewardCommand } from '../../lab/homeward.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { askedBy } from '../../lab/places/camera.ts'
import { isLong } from '../../long.ts'

/** From two machines with nothing set up to a phone that reaches the camera. One story: each test goes on from the last. */
let lab: Lab
let picture: Picture
let token = ''

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  const program = await bundleFor(lab.folder, new URL('../../fake/discovery/neighbour.ts', import.meta.url))
  const { home } = picture
  await Promise.all(
    (
      [
        // Its name would clear the screen.
        [
          home.router,
          { address: home.lan.router, mikrotik: { identity: 'attic\u001B[2J', version: '7.18.2', board: 'hEX' } },
        ],
        [home.camera, { address: home.lan.camera, openwrt: { instance: 'barn', texts: ['daemon=dropbear'] } }],
      ] as const satisfies readonly (readonly [Host, NeighbourPlan])[]
    ).map(([host, plan]) => host.start(process.execPath, [program, JSON.stringify(plan)]).waitForLine(/^ready$/)),
  )
})
afterAll(() => lab?.close())

const atTerminal = (host: Host, ...options: readonly string[]): Terminal =>
  openTerminal(host, [process.execPath, homewardCommand(), 'setup', ...options])

/** What homeward has made on a machine: files, and interfaces. */
async function madeOn(host: Host): Promise<readonly string[]> {
  const files = await Promise.all(
    [host.disk.configDir, host.disk.stateDir].map((folder) => readdir(folder, { recursive: true }).catch(() => [])),
  )
  const { stdout } = await host.run('sh', [
    '-c',
    'ip -o link show; nft list tables; ip rule; ls -A /run | grep homeward || true',
  ])
  return [...files.flat().map(String), ...stdout.split('\n')]
}

/** Leaves by Ctrl-C at the question, after the answers before it. */
async function leaveAt(host: Host, answers: readonly (readonly [RegExp, string])[], question: RegExp): Promise<string> {
  const terminal = atTerminal(host)
  for (const [asked, typed] of answers) await terminal.answer(asked, typed)
  await terminal.answer(question, CTRL_C)
  await terminal.exited
  return terminal.shown
}

const HUB_ANSWERS = [
  [/Which machine is this\?/, ENTER],
  [/Name of the home that joins first/, `${CLEAR}cabin${ENTER}`],
  [/Go ahead\?/, ENTER],
] as const

test('at the VPS, Ctrl-C at any question leaves the machine as it was', async () => {
  const before = await madeOn(picture.hub)
  for (const at of isLong ? [0, 1, 2] : [2]) {
    const shown = await leaveAt(picture.hub, HUB_ANSWERS.slice(0, at), HUB_ANSWERS[at]?.[0] ?? /nothing/)
    expect(shown).toMatch(/interrupted|Nothing was changed/)
  }
  expect(await madeOn(picture.hub)).toEqual(before)
})

test('the VPS is known by its address, and prints a token for home', async () => {
  const terminal = atTerminal(picture.hub)
  await terminal.shows(/it has the public address 203\.0\.113\.10/)
  for (const [question, typed] of HUB_ANSWERS) await terminal.answer(question, typed)
  expect((await terminal.exited).code, terminal.shown).toBe(0)
  expect(terminal.shown).toContain('This machine is reached at 203.0.113.10')
  token = /^hw1\.[\w-]+\.[\w-]+/m.exec(terminal.shown)?.[0] ?? ''
  expect(terminal.shown).toMatch(/Now at home, on the Pi, until .*\n\n\s+\.\/install\.sh/)
  await runHub(picture)
})

const homeAnswers = (): readonly (readonly [RegExp, string])[] => [
  [/Which machine is this\?/, ENTER],
  [/The token that the hub printed/, `${token}${ENTER}`],
  [/Where does the tunnel end\?/, ENTER],
  [/Name of your phone/, ENTER],
  [/Do this\?/, ENTER],
]

test('at home, Ctrl-C at any question leaves the machine as it was, and the token unused', async () => {
  const { pi } = picture.home
  const before = await madeOn(pi)
  const answers = homeAnswers()
  for (const at of isLong ? answers.keys() : [4]) await leaveAt(pi, answers.slice(0, at), answers[at]?.[0] ?? /nothing/)
  expect(await madeOn(pi)).toEqual(before)
})

test('a token that was badly copied is told at once, and asked for again', async () => {
  const terminal = atTerminal(picture.home.pi, '--as', 'home')
  await terminal.answer(/The token that the hub printed/, `${token.slice(0, -3)}${ENTER}`)
  await terminal.shows(/its check does not match/)
  await terminal.answer(/its check/, CTRL_C)
  await terminal.exited
})

test('the Pi finds the routers that tell of themselves, joins, and the phone reaches the camera', async () => {
  const { pi, lan } = picture.home
  const conf = join(pi.disk.path, 'phone.conf')
  const terminal = atTerminal(pi, '--conf', conf)
  // That it is a home follows from the option.
  for (const [question, typed] of homeAnswers().slice(1)) await terminal.answer(question, typed)
  expect((await terminal.exited).code, terminal.shown).toBe(0)
  expect(terminal.shown).toContain(
    `MikroTik at ${lan.router} ("attic\uFFFD[2J", "hEX, 7.18.2"), which leads to the internet: it tells of itself by MikroTik’s discovery.`,
  )
  expect(terminal.shown).toContain(`OpenWrt at ${lan.camera} ("barn"): it offers SSH by mDNS as OpenWrt does.`)
  expect(terminal.process.stdout).not.toContain('\u001B[2J')
  expect(terminal.shown).not.toContain(token.slice(0, 20))
  expect(terminal.shown).toContain('cabin has joined: the tunnel answered after')
  expect(await cameraBy(conf)).toBe(lan.pi)
})

test('without a terminal, what is missing is said at once; with it, the same is done', async () => {
  const { hub } = picture
  const home = await picture.addHome({ name: 'lodge' })
  const missing = await home.pi.homeward(['setup'], { allowFailure: true })
  expect([missing.exitCode, missing.stdout]).toEqual([64, ''])
  expect(missing.stderr).toMatch(/--as hub or --as home .*--token-file FILE.*--yes.*\[setup-unanswered\]/)

  const { stdout } = await hub.homeward(['setup', '--home', 'lodge'])
  const conf = join(home.pi.disk.path, 'tablet.conf')
  const words = ['setup', '--token-file', '-', '--device', 'tablet', '--conf', conf, '--yes']
  await home.pi.homeward(words, { input: stdout })
  await picture.phone.run('wg-quick', ['down', join(picture.phone.disk.path, 'phone.conf')])
  expect(await cameraBy(conf, home.lan.camera)).toBe(home.lan.pi)
})

/** Who asked the camera, as it says, when the phone opens its page with this configuration. */
async function cameraBy(conf: string, camera = picture.home.lan.camera): Promise<string | undefined> {
  const { phone } = picture
  const own = join(phone.disk.path, 'phone.conf')
  await phone.run('cp', [conf, own])
  await phone.run('wg-quick', ['up', own])
  const { stdout } = await phone.run('curl', ['--silent', '--max-time', '60', `http://${camera}/`])
  return askedBy(stdout)
}

test('a home that has joined is asked for another phone only', async () => {
  const terminal = atTerminal(picture.home.pi)
  await terminal.answer(/Name of your phone/, `${CLEAR}laptop${ENTER}`)
  expect((await terminal.exited).code, terminal.shown).toBe(0)
  expect(terminal.shown).toContain('This home has joined already; its settings stay.')
  expect(terminal.shown).toMatch(/[█▀▄ ]{20}/)
})
