import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { bootScratchMachine, type ScratchMachine } from '../install/scratch-machine.ts'
import type { Host } from '../lab/host/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../lab/picture.ts'
import { askedBy } from '../lab/places/camera.ts'
import { serveFiles } from '../lab/places/file-server.ts'
import { isLong } from '../long.ts'
import type { DebianRelease } from '../packaging/clean-root.ts'
import { plant, shellIn } from '../packaging/planted.ts'
import { makeKey } from '../packaging/verifying.ts'
import { freshDebian, MIRROR } from './fresh-debian.ts'
import { scan } from './scan.ts'

const HOUR = 3_600_000
const RELEASES = 'releases.example'
const DEBIAN = 'mirror.example'
const TRUSTED = '/etc/ssl/certs/ca-certificates.crt'
/** On the machine that CI has they take less than one minute, while nothing else runs; docs/releasing.md has the numbers. */
const AT_MOST_SECONDS = 600

/**
 * From two machines with nothing on them to a phone that is at home: what a person pastes is counted, and the time taken.
 * In the long run only: the systems are downloaded.
 */
describe.runIf(isLong)('two commands', { timeout: HOUR }, () => {
  let folder: string
  let lab: Lab
  let picture: Picture
  let certificate: string
  let machines: ScratchMachine[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeward-first-hour-'))
    await makeSignedRelease(folder)
  }, HOUR)
  afterAll(() => rm(folder, { recursive: true, force: true }))
  afterEach(async () => {
    await Promise.all(machines.map((machine) => machine.end()))
    machines = []
    await lab.close()
  })

  /** Before anybody pastes anything: a machine as its image is, on its network. */
  async function fresh(host: Host, release: DebianRelease): Promise<ScratchMachine> {
    const machine = await bootScratchMachine(lab, host, 'systemd', (await freshDebian(release)).root)
    machines.push(machine)
    await machine.copyIn([certificate], '/opt')
    await machine.shell(`
echo '${picture.beacon} ${RELEASES} ${DEBIAN}' >>/etc/hosts
echo '${picture.hubAddress} ${HUB_NAME}' >>/etc/hosts
cat /opt/tls.crt >>${TRUSTED}
rm -rf /etc/apt/sources.list.d /opt/tls.crt
echo 'deb [trusted=yes] http://${DEBIAN}/${release} ./' >/etc/apt/sources.list
for tool in node wg nft conntrack wireguard-go; do ! command -v $tool; done`)
    return machine
  }

  test.each([
    ['bookworm', 'trixie'],
    ['trixie', 'bookworm'],
  ] as const)('on a VPS with %s and a Pi with %s, and the phone has the camera’s page', async (ofVps, ofPi) => {
    lab = await createLab()
    picture = await buildPicture(lab)
    certificate = await serveFiles(picture.internet, { folder: join(folder, 'release'), name: RELEASES }, MIRROR)
    const vps = await fresh(picture.hub, ofVps)
    const pi = await fresh(picture.home.pi, ofPi)

    const took: number[] = []
    const timed = async <Result>(does: () => Promise<Result>): Promise<Result> => {
      const from = performance.now()
      const result = await does()
      took.push((performance.now() - from) / 1000)
      return result
    }
    const pasted: string[] = []
    const paste = async (machine: ScratchMachine, line: string): Promise<string> => {
      pasted.push(line)
      return (await timed(() => machine.shell(line, { timeoutMs: AT_MOST_SECONDS * 1000 }))).stdout
    }

    const onVps = await paste(
      vps,
      `curl -fsSL https://${RELEASES}/get.sh | sh -s -- hub --address ${HUB_NAME} --home cabin`,
    )
    expect(onVps).toContain('homeward-hub runs, and starts at boot')
    const printed = /^curl .* home hw1\.\S+ --device phone$/m.exec(onVps)?.[0] ?? `nothing to paste in ${onVps}`
    const onPi = await paste(pi, printed)
    expect(onPi).toContain('homeward runs, and starts at boot')
    const page = await timed(async () => {
      const conf = join(picture.phone.disk.path, 'phone.conf')
      await writeFile(conf, await scan(onPi, join(folder, 'qr.pbm')), { mode: 0o600 })
      await picture.phone.run('wg-quick', ['up', conf])
      return (await picture.phone.run('curl', ['--silent', '--max-time', '60', `http://${picture.home.lan.camera}/`]))
        .stdout
    })
    expect(askedBy(page)).toBe(picture.home.lan.pi)

    expect(pasted).toHaveLength(2)
    const seconds = took.reduce((sum, one) => sum + one, 0)
    console.log(`VPS ${ofVps}, Pi ${ofPi}: ${seconds.toFixed(0)} s (${took.map((one) => one.toFixed(0)).join(' + ')})`)
    expect(seconds).toBeLessThan(AT_MOST_SECONDS)
  })
})

/** Signed by a key of its own, and with the place in get.sh where it is served: what a person pastes names nothing else. */
async function makeSignedRelease(folder: string): Promise<void> {
  const place = join(folder, 'checkout')
  const key = await makeKey(folder, 'key')
  await plant(place, key.line)
  await symlink(join(process.cwd(), 'node_modules'), join(place, 'node_modules'))
  const get = join(place, 'packaging/get.sh')
  await writeFile(get, (await readFile(get, 'utf8')).replace("PLACE=''", `PLACE='https://${RELEASES}'`))
  await shellIn(
    place,
    `git -c user.name=A -c user.email=a@example.org commit --quiet --all --amend --no-edit
git tag --force v0.0.7
npm run --silent package -- --only amd64 --fast --key '${key.path}'
mv release '${folder}'`,
  )
  await rm(place, { recursive: true })
}
