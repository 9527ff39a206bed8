import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PublicationList } from '../../protocol/publications.ts'
import { sleep } from '../../system/time/sleep.ts'
import { eventsOf, hubStatusOf, inviteHome, startAgent, startHub, runHub, waitForStatus } from '../agent/lab-home.ts'
import { comesToReachCamera } from '../agent/run/reaches-camera.ts'
import { dropAllUdp, dropThisFlow, forgetMapping, rebootHub, type Undo } from '../lab/faults/faults.ts'
import type { Host } from '../lab/host/host.ts'
import type { LabProcess } from '../lab/host/process.ts'
import { askService, serveEcho } from '../lab/host/service.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../lab/picture.ts'
import { isLong } from '../long.ts'
import { unpackLastRelease } from './last-release.ts'

/** Which end is of the last release; HOMEWARD_TEST_OLDER names the command of another one to try. */
describe.each(['hub', 'home'] as const)('the %s is of the last release, and the other end of today', (older) => {
  let lab: Lab
  let picture: Picture
  let pi: Host
  let hub: Host
  let daemon: LabProcess
  let agent: LabProcess
  let end: Host
  let program: string

  beforeAll(async () => {
    lab = await createLab()
    picture = await buildPicture(lab)
    hub = picture.hub
    pi = picture.home.pi
    program = process.env['HOMEWARD_TEST_OLDER'] ?? (await unpackLastRelease(lab.folder))
    end = older === 'hub' ? hub : pi
    end.program = program
  })
  afterAll(() => lab.close())

  const upAgain = () => waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up', 120_000)

  const setKeyRotation = (moments: string) =>
    pi.shell(`sed -i "s|^rotateKeys: .*|rotateKeys: ${moments}|" ${pi.disk.configDir}/agent.yaml`)

  /** A fault is over when the hub reaches the camera; what lasts is then taken away, and the tunnel is as before. */
  async function heals(fault: () => Promise<Undo | undefined>): Promise<readonly string[]> {
    await upAgain()
    // The first echoes, and the hub's own look.
    await sleep(3_000)
    const before = (await eventsOf(pi)).length
    const undo = await fault()
    expect(await comesToReachCamera(picture)).toBe(true)
    await undo?.()
    await upAgain()
    return (await eventsOf(pi))
      .slice(before)
      .flatMap((event) => ('cause' in event && event.cause !== null ? [event.cause] : []))
  }

  test('a home joins, is seen, and carries', async () => {
    daemon = await startHub(picture, HUB_NAME)
    await pi.homeward(['join', await inviteHome(picture), '--yes'])
    agent = await startAgent(pi)
    expect(await comesToReachCamera(picture)).toBe(true)
    const [home] = (await hubStatusOf(hub)).homes
    expect(home).toMatchObject({ name: 'cabin', connected: true })
    const status = await upAgain()
    expect(status).toMatchObject({ mapping: { address: picture.home.customer.poolAddress, carrierNat: 'yes' } })
    // Neighbours: nobody is told to upgrade.
    expect(JSON.stringify(status)).not.toContain('were never tried')
  })

  test('a device that was added at home reaches the camera', async () => {
    const { stdout } = await pi.homeward(['device', 'add', 'phone', '--conf', '-'])
    await picture.phone.shell(`umask 077; cat > /run/phone.conf <<'X'\n${stdout}\nX`)
    await picture.phone.shell('wg-quick up /run/phone.conf 2>/run/up.log || { cat /run/up.log >&2; exit 1; }')
    const camera = () =>
      picture.phone.run('curl', ['-sS', '-m', '10', `http://${picture.home.lan.camera}/`], { allowFailure: true })
    await expect.poll(async () => (await camera()).stdout, { timeout: 60_000 }).toContain('camera')
    const { devices } = JSON.parse((await hub.homeward(['device', 'list', '--json'])).stdout) as {
      readonly devices: readonly { readonly name: string }[]
    }
    expect(devices.map(({ name }) => name)).toEqual(['phone'])
  })

  test('a port that was published at home leads to its service, and is proven', async () => {
    await serveEcho(pi, 'pi', 8123)
    await pi.homeward(['publish', 'add', '8123/tcp', 'localhost:8123'])
    const asked = () => askService(picture.visitor, 'tcp', picture.hubAddress, 8123)
    await expect.poll(asked, { timeout: 60_000 }).toMatch(/^pi sees/)
    const { publications } = JSON.parse((await pi.homeward(['publish', 'list', '--json'])).stdout) as PublicationList
    expect(publications).toMatchObject([{ port: 8123, protocol: 'tcp' }])
    await pi.homeward(['publish', 'check', '8123/tcp'])
  })

  test('a forgotten mapping on another address is healed', async () => {
    await heals(() => forgetMapping(picture.home, { pool: 'other' }).then(() => undefined))
    const { mapping } = await waitForStatus(
      pi,
      ({ mapping: seen }) => seen.address === picture.home.customer.poolAddress,
      60_000,
    )
    expect(mapping.changes).toBeGreaterThan(0)
  })

  describe.runIf(isLong)('also', () => {
    test('a blocked flow is healed and named', async () => {
      expect(await heals(() => dropThisFlow(picture.home))).toContain('flow-dead')
    })

    test('blocked UDP is led over TLS, and named', async () => {
      expect(await heals(() => dropAllUdp(picture.home))).toContain('udp-blocked')
    })

    test('a hub’s daemon that was killed is no outage of the tunnel', async () => {
      await heals(async () => {
        await daemon.kill('SIGKILL')
        daemon = await runHub(picture)
        return undefined
      })
    })

    test('a hub that comes back without its peers is healed', async () => {
      await heals(async () => {
        await rebootHub(lab, picture)
        daemon = await runHub(picture)
        return undefined
      })
    })

    test('the home’s key is changed while it carries', async () => {
      const keyAtHub = async () => (await hub.run('wg', ['show', 'hw0', 'peers'])).stdout
      const before = await keyAtHub()
      // Seconds and more, as `cron` reads them: at once.
      await setKeyRotation("'*/5 * * * * *'")
      await expect.poll(keyAtHub, { timeout: 120_000 }).not.toBe(before)
      const after = agent.lineCount
      await setKeyRotation('null')
      await agent.waitForLine(/took the new configuration/, { after })
      await upAgain()
      expect(await comesToReachCamera(picture)).toBe(true)
    })
  })

  /** Upgraded, and taken back to the version before, with what the other one has written meanwhile. */
  test.each(['upgraded', 'taken back'])('the end that is %s goes on with the files of the other version', async () => {
    const other = end.program === null ? program : null
    if (older === 'home') await agent.kill('SIGTERM')
    else await daemon.kill('SIGTERM')
    end.program = other
    if (older === 'home') agent = await startAgent(pi)
    else daemon = await runHub(picture)
    await upAgain()
    expect(await comesToReachCamera(picture)).toBe(true)
    await expect
      .poll(() => askService(picture.visitor, 'tcp', picture.hubAddress, 8123), { timeout: 60_000 })
      .toMatch(/^pi sees/)
    const devices = JSON.parse((await pi.homeward(['device', 'list', '--json'])).stdout) as { devices: unknown[] }
    expect(devices.devices).toHaveLength(1)
  })

  test('the home leaves, and the hub forgets it', async () => {
    await pi.homeward(['leave', '--yes'])
    expect((await hubStatusOf(hub)).homes).toEqual([])
  })
})
