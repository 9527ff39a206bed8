import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeDeb } from '../../packaging/deb/deb.ts'
import { runCommand } from '../../system/process/run-command.ts'
import { createLab } from '../lab/lab.ts'
import { buildPicture } from '../lab/picture.ts'
import { breakProgram, changeProgram, type Fault } from './broken-release.ts'
import { bootScratchMachine, type ScratchMachine } from './scratch-machine.ts'
import type { VpsAndPi } from './vps-and-pi.ts'

const CHECKOUT = process.cwd()

/** A VPS and a Pi with systemd, on which nothing of homeward is; packages are put into /opt. */
export async function bootForPackages(): Promise<VpsAndPi> {
  const lab = await createLab()
  const picture = await buildPicture(lab)
  const [vps, pi] = await Promise.all([
    bootScratchMachine(lab, picture.hub, 'packages'),
    bootScratchMachine(lab, picture.home.pi, 'packages'),
  ])
  return {
    picture,
    vps,
    pi,
    end: async () => {
      await Promise.all([vps.end(), pi.end()])
      await lab.close()
    },
  }
}

/**
 * Makes a package of this working tree's program, which has this machine's Node for its own, and puts it on machines.
 * @param fault what is wrong with it. @returns its path there.
 */
export async function placePackage(
  machines: readonly ScratchMachine[],
  version: string,
  fault: Omit<Fault, 'inInstaller'> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-package-'))
  try {
    const release = join(folder, 'release')
    await mkdir(join(release, 'node/bin'), { recursive: true })
    await writeFile(join(release, 'node/bin/node'), `#!/bin/sh\nexec ${process.execPath} "$@"\n`)
    await chmod(join(release, 'node/bin/node'), 0o755)
    await cp(join(CHECKOUT, 'dist'), join(release, 'dist'), { recursive: true })
    await giveVersion(join(release, 'dist'), version)
    await breakProgram(join(release, 'dist'), fault)
    await cp(join(CHECKOUT, 'systemd'), join(release, 'systemd'), { recursive: true })
    if (Object.keys(fault).length > 0)
      await runCommand('sh', ['-c', `sed -i '/^Description=/s/$/, broken/' ${release}/systemd/*.service`])
    await writeFile(join(release, 'package.json'), `{\n  "version": "${version}",\n  "type": "module"\n}\n`)
    await mkdir(join(release, 'docs'))
    for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE'])
      await copyFile(join(CHECKOUT, name), join(release, name))
    for (const name of ['NOTICES', 'homeward.cdx.json', 'node/LICENSE'])
      await copyFile(join(CHECKOUT, 'LICENSE'), join(release, name))
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
    const name = await makeDeb(CHECKOUT, release, folder, { version, architecture, committedAt: 1_767_323_045 }, 'none')
    for (const machine of machines) await machine.copyIn([join(folder, name)], '/opt')
    return `/opt/${name}`
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The bundle has its version as a string. */
async function giveVersion(dist: string, version: string): Promise<void> {
  const { version: own } = JSON.parse(await readFile(join(CHECKOUT, 'package.json'), 'utf8'))
  await changeProgram(dist, `s/"${own.replaceAll('.', '\\.')}"/"${version}"/g`)
}
