import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import { placeRelease, unpackRelease } from './release.ts'
import { bootScratchMachine, type ScratchMachine } from './scratch-machine.ts'
import { camera, RELEASE, untilUp } from './vps-and-pi.ts'

interface CloudConfig {
  readonly write_files: readonly { readonly path: string; readonly permissions: string; readonly content: string }[]
  readonly runcmd: readonly (readonly string[])[]
}

const PLACE = '/opt/place'

let lab: Lab
let picture: Picture
let vps: ScratchMachine
let pi: ScratchMachine

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  ;[vps, pi] = await Promise.all([
    bootScratchMachine(lab, picture.hub, 'systemd'),
    bootScratchMachine(lab, picture.home.pi, 'systemd'),
  ])
  await Promise.all([placeRelease(vps, PLACE), unpackRelease(pi, RELEASE)])
})
afterAll(async () => {
  await Promise.all([vps.end(), pi.end()])
  await lab.close()
})

/** Does what cloud-init does with the user-data at the first start: its files, then its commands. */
async function firstStart(userData: string): Promise<string> {
  const { write_files: files, runcmd } = parse(userData) as CloudConfig
  const write = files.map(
    ({ path, permissions, content }) => `mkdir -p "$(dirname '${path}')"
base64 -d >'${path}' <<'TEXT'
${Buffer.from(content).toString('base64')}
TEXT
chmod ${permissions} '${path}'`,
  )
  // A service of the system has no HOME (systemd.exec(5), environment variables of spawned processes).
  const clean = 'env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  const run = runcmd.map((words) => `${clean} ${words.map((word) => `'${word}'`).join(' ')}`)
  const { stdout, stderr } = await vps.shell([...write, ...run].map((line) => `${line}\n`).join(''), {
    timeoutMs: 180_000,
  })
  return stdout + stderr
}

test('a VPS that is given the user-data becomes a hub, and the Pi joins it by the code', async () => {
  const name = picture.hubAddress
  const words = ['cloud-init', '--name', name, '--home', 'cabin', '--place', `file://${PLACE}`]
  const { stdout, stderr } = await picture.home.pi.homeward(words)
  const [code = ''] = /hwp1\.\S+/.exec(stderr) ?? []
  expect(code).toMatch(new RegExp(`@${name.replaceAll('.', '\\.')}$`))
  expect(stdout).not.toContain(code.split('.')[1])

  // A console of its own, to read what is shown there and nowhere else.
  await vps.shell('rm -f /dev/console; ln -s /run/console /dev/console; touch /run/console')
  const said = await firstStart(stdout)
  expect(said).toContain('homeward-hub runs, and starts at boot')
  expect(said).not.toMatch(/hw1\.[\w-]{20}/)
  const shown = (await vps.shell('cat /run/console; test ! -e /run/homeward-cloud; systemctl is-active homeward-hub'))
    .stdout
  const [onConsole = ''] = /^hw1\.\S+$/m.exec(shown) ?? []
  expect(shown).toContain('homeward: this VPS is a hub.')

  // Who could not join in any case has not used the code up.
  const nobody = `setpriv --reuid=65534 --regid=65534 --clear-groups node ${RELEASE}/dist/homeward.js join '${code}'`
  expect((await pi.shell(nobody, { allowFailure: true })).stderr).toContain('[no-root]')
  const joined = await pi.shell(`${RELEASE}/install.sh home '${code}' </dev/null 2>&1`, { timeoutMs: 180_000 })
  expect(joined.stdout).toContain('Picked up the token.')
  await untilUp(pi)
  expect(await camera(picture)).toContain('camera')

  const { stdout: homes } = await vps.shell('homeward hub status --json')
  expect(homes).toContain('"cabin"')
  await pi.shell('systemctl stop homeward; homeward leave --yes')
  for (const spent of [onConsole, code]) {
    const { exitCode, stderr: why } = await pi.shell(`homeward join '${spent}' --yes`, { allowFailure: true })
    expect(exitCode).toBe(1)
    expect(why).toMatch(/\[token-(?:used|unknown)\]/)
  }
})

test('where releases are is said nowhere yet, so it asks for --place', async () => {
  const { exitCode, stderr } = await picture.hub.homeward(['cloud-init', '--name', 'vps.example.org'], {
    allowFailure: true,
  })
  expect(exitCode).toBe(64)
  expect(stderr).toContain('are not published anywhere yet. Pass --place')
})
