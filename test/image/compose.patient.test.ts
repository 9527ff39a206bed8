import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLab, type Lab } from '../lab/lab.ts'
import type { Host } from '../lab/host/host.ts'
import { askedBy } from '../lab/places/camera.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import { until } from '../install/vps-and-pi.ts'
import { isLong } from '../long.ts'
import { type Container, makeVolume, startContainer } from './container.ts'
import { buildImage, type BuiltImage, type Image } from './image.ts'
import { planOfCompose, readCompose, type ContainerPlan } from './plan.ts'

/** In the long run only: its Debian is downloaded. It takes mmdebstrap, buildah and crun. */
describe.runIf(isLong)('containers by the compose files', () => {
  let image: BuiltImage
  let lab: Lab
  let picture: Picture
  let hub: Container
  let home: Container
  let plans: { readonly hub: ContainerPlan; readonly home: ContainerPlan }
  let volumes: { readonly hub: string; readonly home: string }
  /** The network of both machines before. */
  let before: readonly string[]

  beforeAll(async () => {
    image = await buildImage('0.0.7')
    lab = await createLab()
    picture = await buildPicture(lab)
    plans = {
      hub: planOfCompose(await readCompose('hub'), { HOMEWARD_ADDRESS: picture.hubAddress }),
      home: planOfCompose(await readCompose('home'), {}),
    }
    volumes = { hub: await makeVolume(picture.hub, 'data'), home: await makeVolume(picture.home.pi, 'data') }
    for (const host of [picture.hub, picture.home.pi]) await host.shell('echo 1 >/proc/sys/net/ipv4/ip_forward')
    before = await Promise.all([picture.hub, picture.home.pi].map(network))
  })
  afterAll(async () => {
    await lab.close()
    await image.end()
  })

  /** Interfaces, addresses, rules, routes and firewall: all that a container in the host's network could leave there. */
  async function network(host: Host): Promise<string> {
    const { stdout } = await host.shell(
      'ip -d link; ip addr; ip rule; ip -6 rule; ip route show table all; nft list ruleset; cat /proc/sys/net/ipv4/ip_forward',
    )
    return stdout.replaceAll(/valid_lft .*/g, '')
  }

  const isUp = async (): Promise<boolean> =>
    (await home.exec(['homeward', 'status'], { allowFailure: true })).exitCode === 0
  const page = async (): Promise<string> =>
    (
      await picture.phone.run('curl', ['--silent', '--max-time', '5', `http://${picture.home.lan.camera}/`], {
        allowFailure: true,
      })
    ).stdout
  const comesToSeeTheCamera = (): Promise<void> =>
    until('the camera’s page', async () => askedBy(await page()) !== undefined, 120_000)
  const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`

  test('what an engine does not give is said before anything is made', async () => {
    const { pi } = picture.home
    const tried = async (plan: ContainerPlan, token = ''): Promise<string> => {
      const data = await mkdtemp(join(pi.disk.path, 'tried-'))
      const container = await startContainer(pi, image, plan, data, [], { token })
      expect((await container.process.exited).code).not.toBe(0)
      await rm(data, { recursive: true })
      return container.process.stderr
    }
    const token = 'hw1.e30.AAAAAAAA'
    expect(await tried(plans.home)).toContain('neither a token nor an address was given')
    expect(await tried(plans.home, token)).toContain('[token-damaged]')
    expect(await tried({ ...plans.home, capabilities: ['NET_RAW'] }, token)).toContain('cap_add: [NET_ADMIN]')
    expect(await tried({ ...plans.home, devices: [] }, token)).toContain('devices: [/dev/net/tun]')
    expect(await Promise.all([picture.hub, pi].map(network))).toEqual(before)
  })

  test('two compose files and a token make a hub and a home, and the phone is at home', async () => {
    const startedAt = performance.now()
    hub = await startContainer(picture.hub, image, plans.hub, volumes.hub)
    await hub.process.waitForLine(/the hub is ready/, { timeoutMs: 120_000 })
    const token = (await hub.exec(['homeward', 'hub', 'invite', 'cabin'])).stdout.trim()
    home = await startContainer(picture.home.pi, image, plans.home, volumes.home, [], { token })
    await until('up', isUp, 120_000)
    const { stdout } = await home.exec(['homeward', 'device', 'add', 'phone', '--conf', '-'])
    const conf = join(picture.phone.disk.configDir, 'phone.conf')
    await writeFile(conf, stdout, { mode: 0o600 })
    await picture.phone.run('wg-quick', ['up', conf])
    await comesToSeeTheCamera()
    console.log(`from nothing to the camera's page: ${seconds(startedAt)}`)
    expect(performance.now() - startedAt).toBeLessThan(120_000)
    expect(home.process.stdout + home.process.stderr).not.toContain(token)
    expect((await hub.exec(['homeward', 'hub', 'status', '--json'], { allowFailure: true })).exitCode).not.toBe(1)
  })

  test('started again both are who they were, by what the hub knew', async () => {
    const known = await keyOfHome()
    for (const restart of [restartHome, restartHub]) {
      const startedAt = performance.now()
      await restart()
      await until('up', isUp, 120_000)
      await comesToSeeTheCamera()
      console.log(`${restart.name}: ${seconds(startedAt)}`)
    }
    expect(await keyOfHome()).toBe(known)
  })

  test('a newer image goes on with the same /data', async () => {
    const newer = await image.newer('0.0.8')
    await restartHub(newer)
    await restartHome(newer)
    await until('up', isUp, 120_000)
    await comesToSeeTheCamera()
    const { stdout } = await home.exec(['homeward', 'status', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ version: '0.0.8', home: 'cabin', tunnel: { state: 'up' } })
  })

  test('after leave and uninstall the network of both machines is as before, and nothing but /data was written', async () => {
    expect(await home.stop()).toEqual([])
    // Within the running container it would be killed: that ends with its agent, which ends with the settings.
    const left = await startContainer(picture.home.pi, image, plans.home, volumes.home, ['leave', '--yes'], {
      token: '',
    })
    expect((await left.process.exited).code, left.process.stderr).toBe(0)
    expect(left.process.stdout).toContain('cabin has left its hub')
    expect(await left.written()).toEqual([])
    expect(await hub.stop()).toEqual([])
    const undone = await startContainer(picture.hub, image, plans.hub, volumes.hub, ['uninstall'])
    expect((await undone.process.exited).code, undone.process.stderr).toBe(0)
    await until('the interface is gone', async () => !(await network(picture.hub)).includes('hw0'))
    expect(await Promise.all([picture.hub, picture.home.pi].map(network))).toEqual(before)
  })

  async function keyOfHome(): Promise<string> {
    const { stdout } = await hub.exec(['homeward', 'hub', 'status', '--json'], { allowFailure: true })
    const { homes } = JSON.parse(stdout) as { readonly homes: readonly { readonly publicKey?: string }[] }
    return JSON.stringify(homes.map((one) => one.publicKey))
  }

  async function restartHome(from: Image = image): Promise<void> {
    expect(await home.stop()).toEqual([])
    // The file of the token stays where it was, and is used up.
    home = await startContainer(picture.home.pi, from, plans.home, volumes.home, [], { token: '' })
  }

  async function restartHub(from: Image = image): Promise<void> {
    expect(await hub.stop()).toEqual([])
    hub = await startContainer(picture.hub, from, plans.hub, volumes.hub)
    await hub.process.waitForLine(/the hub is ready/, { timeoutMs: 120_000 })
  }
})
