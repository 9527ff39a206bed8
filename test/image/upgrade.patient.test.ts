import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { breakProgram, BROKEN, pingHome, RUNS } from '../install/broken-release.ts'
import { until } from '../install/vps-and-pi.ts'
import { sleep } from '../../system/time/sleep.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import { isLong } from '../long.ts'
import { type Container, makeVolume, startContainer } from './container.ts'
import { buildImage, type BuiltImage, type Image } from './image.ts'
import { type ContainerPlan, planOfCompose, readCompose } from './plan.ts'

/** In the long run only: its Debian is downloaded, and each fall waits. It takes mmdebstrap, buildah and crun. */
describe.runIf(isLong)('a container whose image is newer', { timeout: 1_800_000 }, () => {
  let image: BuiltImage
  let lab: Lab
  let picture: Picture
  let plans: { readonly hub: ContainerPlan; readonly home: ContainerPlan }
  let volumes: { readonly hub: string; readonly home: string }
  let hub: Container
  let home: Container

  beforeAll(async () => {
    image = await buildImage('1.0.0')
    lab = await createLab()
    picture = await buildPicture(lab)
    plans = {
      hub: planOfCompose(await readCompose('hub'), { HOMEWARD_ADDRESS: picture.hubAddress }),
      home: planOfCompose(await readCompose('home'), {}),
    }
    volumes = { hub: await makeVolume(picture.hub, 'data'), home: await makeVolume(picture.home.pi, 'data') }
    for (const host of [picture.hub, picture.home.pi]) await host.shell('echo 1 >/proc/sys/net/ipv4/ip_forward')
    hub = await startContainer(picture.hub, image, plans.hub, volumes.hub)
    await hub.process.waitForLine(/the hub is ready/, { timeoutMs: 120_000 })
    const token = (await hub.exec(['homeward', 'hub', 'invite', 'cabin'])).stdout.trim()
    home = await startContainer(picture.home.pi, image, plans.home, volumes.home, [], { token })
    await until('up', isUp, 120_000)
    // Two minutes after its start each keeps its program; the hub's was alone then, so it starts again.
    await startHub(image)
    await until(
      'both are kept',
      async () => (await carried('hub')) === '1\n' && (await carried('home')) === '1\n',
      240_000,
    )
  }, 1_500_000)
  afterAll(async () => {
    await lab.close()
    await image.end()
  })

  const isUp = async (): Promise<boolean> =>
    (await home.exec(['homeward', 'status'], { allowFailure: true })).exitCode === 0
  const carried = (role: 'hub' | 'home'): Promise<string | null> =>
    readFile(join(volumes[role], 'program/carried'), 'utf8').catch(() => null)
  const versionOf = async (container: Container): Promise<string> =>
    (await container.exec(['homeward', '--version'])).stdout.trim()
  async function startHub(from: Image): Promise<void> {
    expect(await hub.stop()).toEqual([])
    hub = await startContainer(picture.hub, from, plans.hub, volumes.hub)
  }
  async function startHome(from: Image): Promise<void> {
    expect(await home.stop()).toEqual([])
    home = await startContainer(picture.home.pi, from, plans.home, volumes.home, [], { token: '' })
  }
  /** The image with a program that is broken. */
  let minor = 0
  async function broken(fault: (typeof BROKEN)[number]['fault']): Promise<Image> {
    minor += 1
    const newer = await image.newer(`1.${minor}.0`)
    await breakProgram(join(newer.root, 'usr/lib/homeward/dist'), fault)
    return newer
  }

  test.each(BROKEN)('and $what goes on with the program of before', async ({ fault, because }) => {
    const newer = await broken(fault)
    const gone = new RegExp(
      `1\\.${minor}\\.0, the version of this image, does not stay: .*\\. 1\\.0\\.0, the version before, goes on`,
    )
    const pings = pingHome(picture)
    await startHub(newer)
    await hub.process.waitForLine(gone, { timeoutMs: 800_000 })
    expect(hub.process.stdout + hub.process.stderr).toContain(because)
    expect(await versionOf(hub)).toBe('1.0.0')
    if (fault.before?.includes('laptop') === true) {
      expect((await hub.exec(['homeward', 'device', 'list'])).stdout).toContain('laptop')
      await hub.exec(['homeward', 'device', 'remove', 'laptop'])
    }
    await until('up', isUp, 120_000)
    await startHome(newer)
    await home.process.waitForLine(gone, { timeoutMs: 800_000 })
    expect(home.process.stdout + home.process.stderr).toContain(because)
    expect(await versionOf(home)).toBe('1.0.0')
    await until('up', isUp, 120_000)
    console.log(await pings.counted())
    expect((await home.exec(['homeward', 'upgrade', '--check'], { allowFailure: true })).stdout).toContain(
      'was tried at',
    )
    // The same image once more is not tried again.
    await startHome(newer)
    await home.process.waitForLine(/did not stay, so 1\.0\.0 goes on/, { timeoutMs: 60_000 })
    await until('up', isUp, 120_000)
  })

  test.each([0, 0.5, 1, 2, 3, 4, 6, 8, 11, 15])(
    'and whose power goes %s s after its start goes on with the program of before',
    async (seconds) => {
      const newer = await broken({ before: `if (${RUNS}) process.exit(1)` })
      const goesOn = /1\.0\.0(?:, the version before,)? goes on/
      const cut = async (container: Container): Promise<void> => {
        await sleep(seconds * 1_000)
        await container.kill()
      }
      await startHub(newer)
      await cut(hub)
      hub = await startContainer(picture.hub, newer, plans.hub, volumes.hub)
      await hub.process.waitForLine(goesOn, { timeoutMs: 120_000 })
      await startHome(newer)
      await cut(home)
      home = await startContainer(picture.home.pi, newer, plans.home, volumes.home, [], { token: '' })
      await home.process.waitForLine(goesOn, { timeoutMs: 120_000 })
      await until('up', isUp, 120_000)
      expect([await versionOf(hub), await versionOf(home)]).toEqual(['1.0.0', '1.0.0'])
    },
  )

  test('and on a full volume goes on with the program of before', async () => {
    const newer = await broken({})
    expect(await home.stop()).toEqual([])
    const { stdout } = await picture.home.pi.shell(`
mkdir -p ${volumes.home}-full && mount -t tmpfs -o size=64m tmpfs ${volumes.home}-full
cp -a ${volumes.home}/. ${volumes.home}-full/
head -c 64M /dev/zero >${volumes.home}-full/fill 2>/dev/null || df ${volumes.home}-full`)
    expect(stdout).toContain('100%')
    home = await startContainer(picture.home.pi, newer, plans.home, `${volumes.home}-full`, [], { token: '' })
    await home.process.waitForLine(/there is no room in \/data for a copy of the settings.*1\.0\.0 goes on/, {
      timeoutMs: 60_000,
    })
    await until('up', isUp, 120_000)
    expect(await versionOf(home)).toBe('1.0.0')
    await home.stop()
    home = await startContainer(picture.home.pi, image, plans.home, volumes.home, [], { token: '' })
    await until('up', isUp, 120_000)
  })

  test('and which is a good one takes its place, and nothing is left of what went back', async () => {
    const newer = await broken({})
    await startHub(newer)
    await startHome(newer)
    for (const role of ['hub', 'home'] as const)
      await until(
        'kept',
        async () => (await readFile(join(volumes[role], 'program/package.json'), 'utf8')).includes(`1.${minor}.0`),
        240_000,
      )
    expect(await versionOf(home)).toBe(`1.${minor}.0`)
    expect((await home.exec(['homeward', 'upgrade', '--check'], { allowFailure: true })).stdout).not.toContain(
      'was tried at',
    )
    await until('up', isUp, 120_000)
  })
})
