import { cp, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inviteHome, startHub } from '../agent/lab-home.ts'
import { until } from '../install/vps-and-pi.ts'
import { isLong } from '../long.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { askedBy } from '../lab/places/camera.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import { type Container, makeVolume, startContainer } from './container.ts'
import { buildImage, type BuiltImage, type Image } from './image.ts'
import { planOfApp, readApp } from './plan.ts'

/** In the long run only: its Debian is downloaded. It takes mmdebstrap, buildah and crun. */
describe.runIf(isLong)('an app of Home Assistant', () => {
  let image: BuiltImage
  let lab: Lab
  let picture: Picture
  let app: Container
  let data: string

  beforeAll(async () => {
    image = await buildImage('0.0.7')
    lab = await createLab()
    picture = await buildPicture(lab)
    // As Docker does when it starts.
    await picture.home.pi.shell('echo 1 >/proc/sys/net/ipv4/ip_forward')
    await startHub(picture)
    data = await makeVolume(picture.home.pi, 'data')
  })
  afterAll(async () => {
    await lab.close()
    await image.end()
  })

  /** As Home Assistant writes what is in the form; an option that is not required and was left empty is not in it. */
  const fillIn = (options: Readonly<Record<string, unknown>>): Promise<void> =>
    writeFile(join(data, 'options.json'), JSON.stringify(options, null, 2), { mode: 0o600 })

  async function start(from: Image = image): Promise<void> {
    app = await startContainer(picture.home.pi, from, planOfApp(await readApp()), data)
    await until('up', async () => (await status()).exitCode === 0, 120_000)
  }
  const status = () => app.exec(['homeward', 'status', '--json'], { allowFailure: true })
  /** Sockets and the like, which no restart keeps. */
  async function stop(): Promise<void> {
    expect((await app.stop()).filter((path) => !/^\/(?:run|tmp)\//.test(path))).toEqual([])
  }
  const page = async (): Promise<string> =>
    (
      await picture.phone.run('curl', ['--silent', '--max-time', '5', `http://${picture.home.lan.camera}/`], {
        allowFailure: true,
      })
    ).stdout
  const comesToSeeTheCamera = (): Promise<void> =>
    until('the camera’s page', async () => askedBy(await page()) !== undefined, 120_000)
  async function keyAtHub(): Promise<string> {
    const { stdout } = await picture.hub.run('wg', ['show', 'hw0', 'dump'])
    return (
      stdout
        .split('\n')
        .find((line) => line.includes('10.86.0.2/32'))
        ?.split('\t')[0] ?? 'none'
    )
  }
  const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`

  test('an options.json with a token makes a home, and the phone is at home within two minutes', async () => {
    const token = await inviteHome(picture)
    const startedAt = performance.now()
    await fillIn({ token })
    await start()
    const { stdout } = await picture.hub.homeward(['device', 'add', 'phone', '--conf', '-'])
    const conf = join(picture.phone.disk.configDir, 'phone.conf')
    await writeFile(conf, stdout, { mode: 0o600 })
    await picture.phone.run('wg-quick', ['up', conf])
    await comesToSeeTheCamera()
    console.log(`from the start of the app to the camera's page: ${seconds(startedAt)}`)
    expect(performance.now() - startedAt).toBeLessThan(120_000)
    expect(app.process.stdout + app.process.stderr).not.toContain(token)
  })

  test('started again, and from a newer image, it is the same home', async () => {
    const key = await keyAtHub()
    for (const from of [image, await image.newer('0.0.8')]) {
      await stop()
      const startedAt = performance.now()
      await start(from)
      await comesToSeeTheCamera()
      console.log(`started again: ${seconds(startedAt)}`)
    }
    expect(JSON.parse((await status()).stdout)).toMatchObject({ version: '0.0.8', home: 'cabin' })
    expect(await keyAtHub()).toBe(key)
  })

  test('a copy of /data that was made while it ran brings it back, though the token was used up', async () => {
    const key = await keyAtHub()
    const backup = join(picture.home.pi.disk.path, 'backup')
    // `backup_exclude` of config.yaml.
    await cp(data, backup, {
      recursive: true,
      filter: (path) => path === data || (!basename(path).startsWith('.') && !path.includes('/data/program')),
    })
    await stop()
    data = await makeVolume(picture.home.pi, 'restored')
    await picture.home.pi.run('cp', ['-a', `${backup}/.`, data])
    await start()
    await comesToSeeTheCamera()
    expect(await keyAtHub()).toBe(key)
    expect(app.process.stderr).not.toContain('failed')
  })

  test('another token makes a home that the hub has forgotten join again, with its settings', async () => {
    await picture.hub.homeward(['hub', 'remove', 'cabin'])
    await until('forgotten', async () => (await status()).exitCode !== 0)
    await stop()
    const settings = await readFile(join(data, 'config/agent.yaml'), 'utf8')
    await fillIn({ token: await inviteHome(picture) })
    await start()
    expect(app.process.stdout).toContain('cabin has joined again')
    expect(settings).toContain('home: cabin')
  })

  test('networks that are written into the form reach the home with the next start', async () => {
    const { token } = JSON.parse(await readFile(join(data, 'options.json'), 'utf8'))
    await stop()
    await fillIn({ token, lan: ['192.168.1.0/25'] })
    await start()
    expect((await app.exec(['homeward', 'lan'])).stdout.trim()).toBe('192.168.1.0/25')
  })
})
