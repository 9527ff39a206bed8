import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Publication } from '../../../protocol/publications.ts'
import { entriesOf } from '../../../hub/core/forwarded-ports.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { inviteHome, problemOf, startHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { SEARCH_PATH } from '../../lab/host/tools.ts'

let lab: Lab
let picture: Picture
let hub: Host
let daemon: LabProcess
let broken: string
let path: string

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  hub = picture.hub
  const folder = join(hub.disk.path, 'bin')
  broken = join(hub.disk.path, 'broken')
  path = `${folder}:${SEARCH_PATH}`
  await mkdir(folder)
  const real = (await hub.run('sh', ['-c', 'command -v nft'])).stdout.trim()
  const script = `#!/bin/sh
case "$*" in *-f*) [ -e '${broken}' ] && { echo 'broken on purpose' >&2; exit 1; };; esac
exec ${real} "$@"
`
  await writeFile(join(folder, 'nft'), script, { mode: 0o755 })
  const first = await startHub(picture)
  await picture.home.pi.homeward(['join', await inviteHome(picture), '--yes'])
  await first.stop()
  daemon = await start()
})
afterAll(() => lab.close())

async function start(): Promise<LabProcess> {
  const started = hub.startHomeward(['hub', 'run'], { env: { PATH: path } })
  await started.waitForLine(/the hub is ready/)
  return started
}

/** `443/tcp 192.168.1.50:443`, as the store has it, and as the firewall has it. */
async function inStore(): Promise<readonly string[]> {
  const text = await readFile(join(hub.disk.stateDir, 'store.json'), 'utf8')
  const { publications } = JSON.parse(text) as { publications: Publication[] }
  return publications
    .flatMap((one) => entriesOf(one))
    .map(({ protocol, port, lastPort, address, targetPort }) =>
      lastPort === undefined
        ? `${port}/${protocol} ${address}:${targetPort}`
        : `${port}-${lastPort}/${protocol} ${address}`,
    )
    .sort()
}

async function inFirewall(): Promise<readonly string[]> {
  const maps = await Promise.all(
    ['tcp', 'udp'].map(async (protocol) => {
      const listed = async (name: string) => (await hub.run('nft', ['list', 'map', 'inet', 'homeward', name])).stdout
      const singles = [...(await listed(`${protocol}_services`)).matchAll(/(\d+) : ([\d.]+) \. (\d+)/g)]
      const ranges = [...(await listed(`${protocol}_services_ranges`)).matchAll(/(\d+-\d+) : ([\d.]+)/g)]
      return [
        ...singles.map(([, port, address, target]) => `${port}/${protocol} ${address}:${target}`),
        ...ranges.map(([, ports, address]) => `${ports}/${protocol} ${address}`),
      ]
    }),
  )
  return maps.flat().sort()
}

test('store and rules agree after SIGKILL at any moment of adding and taking back', async () => {
  let killed = 0
  for (let round = 0; round < 14; round += 1) {
    const port = 7000 + Math.floor(round / 2)
    const args = round % 2 === 0 ? ['add', `${port}/tcp`, `${picture.home.lan.camera}:80`] : ['remove', `${port}/tcp`]
    const asking = picture.home.pi.startHomeward(['publish', ...args])
    // A command takes about 150 ms until the hub has heard of it.
    await sleep(120 + 12 * round)
    await daemon.kill('SIGKILL')
    await daemon.exited
    const { code } = await asking.exited
    if (code !== 0) killed += 1
    daemon = await start()
    await expect.poll(inFirewall).toEqual(await inStore())
  }
  expect(killed).toBeGreaterThan(0)
})

test('a firewall that refuses the change is told of, and follows as soon as it can', async () => {
  await writeFile(broken, '')
  const refused = await problemOf(hub, ['publish', 'add', '7100-7102/udp', `${picture.home.lan.camera}:80`])
  expect(refused).toMatchObject({ exitCode: 1 })
  expect(refused.message).toMatch(/it is in the store, but the machine did not follow: .*broken on purpose/)
  expect(await inStore()).not.toEqual(await inFirewall())
  await rm(broken)
  await expect.poll(inFirewall, { timeout: 60_000 }).toEqual(await inStore())
  expect((await inFirewall()).filter((line) => line.startsWith('710'))).toHaveLength(3)
})

test('a table that somebody deleted is made again by the next change', async () => {
  await hub.shell('nft delete table inet homeward')
  await hub.homeward(['publish', 'add', '7200/tcp', `${picture.home.lan.camera}:80`])
  expect(await inFirewall()).toEqual(await inStore())
  expect(await inFirewall()).toContain(`7200/tcp ${picture.home.lan.camera}:80`)
})
