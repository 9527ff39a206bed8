import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addNode } from '../../packaging/node/own-node.ts'
import { runCommand } from '../../system/process/run-command.ts'
import { until } from '../install/vps-and-pi.ts'
import { forgetMapping } from '../lab/faults/faults.ts'
import type { Host, RunResult } from '../lab/host/host.ts'
import { homewardCommand } from '../lab/homeward.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { askedBy } from '../lab/places/camera.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import { isLong } from '../long.ts'

const FETCH_MS = 900_000

/**
 * Hub and home by the arm64 Node of a release, as qemu-user runs it on any machine: the program, Node's cryptography, TLS
 * and sockets as on a Pi. The programs that it calls are this machine's. In the long run only: it takes mmdebstrap and
 * qemu-user-static, and Debian's C library for arm64 is downloaded.
 */
describe.runIf(isLong)('an arm64 release', () => {
  let folder: string
  let lab: Lab
  let picture: Picture
  let node: readonly [string, ...string[]]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeward-arm64-'))
    const root = join(folder, 'root')
    const libraries = ['--variant=extract', '--architectures=arm64', '--include=libc6,libstdc++6,libgcc-s1']
    await runCommand('mmdebstrap', [...libraries, 'bookworm', root], { timeoutMs: FETCH_MS })
    await addNode('.', folder, 'arm64')
    node = ['qemu-aarch64-static', '-L', root, join(folder, 'node/bin/node')]
    lab = await createLab()
    picture = await buildPicture(lab)
  })
  afterAll(async () => {
    await lab?.close()
    await rm(folder, { recursive: true })
  })

  const homeward = (host: Host, words: readonly string[]): Promise<RunResult> =>
    host.run(node[0], [...node.slice(1), homewardCommand(), ...words], { timeoutMs: 120_000 })
  const daemon = (host: Host, words: readonly string[]) =>
    host.start(node[0], [...node.slice(1), homewardCommand(), ...words])

  test('is a hub and a home, and the camera is seen through the tunnel, also after its carrier moved it', async () => {
    const { hub, hubAddress, home } = picture
    expect((await hub.run(node[0], [...node.slice(1), '-p', 'process.arch'])).stdout.trim()).toBe('arm64')
    await homeward(hub, ['hub', 'init', '--address', hubAddress, '--yes'])
    await daemon(hub, ['hub', 'run']).waitForLine(/answering heartbeats/, { timeoutMs: 60_000 })
    const token = (await homeward(hub, ['hub', 'invite', 'cabin'])).stdout.trim()
    await homeward(home.pi, ['join', token, '--lan', home.lan.prefix, '--yes'])
    const agent = daemon(home.pi, ['run'])
    await agent.waitForLine(/"to":"up"/, { timeoutMs: 60_000 })
    const camera = async (): Promise<string | undefined> =>
      askedBy((await hub.run('curl', ['-s', '-m', '10', `http://${home.lan.camera}/`], { allowFailure: true })).stdout)
    expect(await camera()).toBe(home.lan.pi)
    await forgetMapping(home, { pool: 'other' })
    await until('the camera is seen again', async () => (await camera()) === home.lan.pi)
  })
})
