import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../../system/process/run-command.ts'
import { ARCHITECTURES } from '../node/own-node.ts'

const POOL = 'pool/main/h/homeward'
const SUITE = 'dists/stable'
/** A pass phrase may be asked for. */
const ASKING_MS = 300_000

/**
 * Lays Debian's packages of a folder out as an apt repository in its folder `apt`: static files, for any web server. apt-ftparchive
 * makes the indexes, gpg signs them, and the key is beside them. Not reprepro, which keeps a database of all that it ever took in beside the
 * files and adds to it: what is here is made anew of one release's packages alone, the same each time but for the signature.
 * @param key what gpg knows the key by, in the keyring of GNUPGHOME.
 * @param committedAt seconds since 1970.
 * @throws where there is no package, or no such key.
 */
export async function makeRepository(folder: string, key: string, committedAt: number): Promise<void> {
  const debs = (await readdir(folder)).filter((name) => name.endsWith('.deb'))
  if (debs.length === 0) throw new Error(`no package of Debian is in ${folder}: an apt repository has nothing to offer`)
  const place = join(folder, 'apt')
  await rm(place, { recursive: true, force: true })
  await mkdir(join(place, POOL), { recursive: true })
  for (const deb of debs) await copyFile(join(folder, deb), join(place, POOL, deb))
  const architectures = Object.keys(ARCHITECTURES).filter((one) => debs.some((deb) => deb.endsWith(`_${one}.deb`)))
  for (const architecture of architectures) {
    const index = `${SUITE}/main/binary-${architecture}`
    await mkdir(join(place, index), { recursive: true })
    await writeFile(join(place, index, 'Packages'), await archive(place, ['--arch', architecture, 'packages', POOL]))
    await runCommand('gzip', ['--no-name', '--keep', join(place, index, 'Packages')])
  }
  const said = {
    Origin: 'homeward',
    Label: 'homeward',
    Suite: 'stable',
    Codename: 'stable',
    Architectures: architectures.join(' '),
    Components: 'main',
    Date: new Date(committedAt * 1000).toUTCString().replace('GMT', '+0000'),
  }
  const options = Object.entries(said).flatMap(([name, value]) => ['-o', `APT::FTPArchive::Release::${name}=${value}`])
  await writeFile(join(place, SUITE, 'Release'), await archive(place, [...options, 'release', SUITE]))
  await sign(place, key)
}

async function archive(place: string, args: readonly string[]): Promise<string> {
  return (await runCommand('env', ['-C', place, 'apt-ftparchive', ...args], { timeoutMs: 120_000 })).stdout
}

/** InRelease for today's apt, the key in a form that a browser shows. */
async function sign(place: string, key: string): Promise<void> {
  const suite = join(place, SUITE)
  const gpg = ['--batch', '--yes', '--local-user', key]
  const signed = ['--clearsign', '--output', join(suite, 'InRelease'), join(suite, 'Release')]
  await runCommand('gpg', [...gpg, ...signed], { timeoutMs: ASKING_MS })
  const exported = ['--batch', '--yes', '--armor', '--output', join(place, 'homeward.asc'), '--export', key]
  await runCommand('gpg', exported, { timeoutMs: ASKING_MS })
}
