import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { runCommand } from '../system/process/run-command.ts'
import { packFolder } from './archive.ts'
import { bundledPackages } from './bundled.ts'
import { BY_HAND } from './by-hand.ts'
import { readCheckout, trackedFiles } from './checkout.ts'
import { type Compression, makeDeb } from './deb/deb.ts'
import { putFilesBeside } from './image/files-beside.ts'
import { makeImage } from './image/image.ts'
import { writeGetScript } from './get-script.ts'
import { noticesOf, readLicensed } from './notices.ts'
import { addNode, type Architecture } from './node/own-node.ts'
import { bomOf, withNode } from './sbom.ts'
import { sign } from './signature.ts'
import { writeSums } from './sums.ts'
import { versionOf } from './version.ts'

const SIGNERS = 'allowed_signers'
const BOM = 'homeward.cdx.json'

/** What not every release has. */
export interface Also {
  /** Of Debian's packages; xz where it is not said. */
  readonly compression?: Compression | undefined
  /** Images of containers too. They take root, buildah and a mirror of Debian, and depend on what that has. */
  readonly images?: boolean
}

export interface Release {
  readonly version: string
  readonly signed: boolean
  /** Seconds since 1970, of the commit. */
  readonly committedAt: number
  /** What stands in the folder `release` now. */
  readonly files: readonly string[]
}

/**
 * Makes the release of a checkout, in its folder `release`: the tarball, for each architecture one with its own Node and Debian's package of it, the bill of materials, their sums,
 * and with a key the signature. Two of one commit are the same, byte for byte, wherever and whenever they are made.
 * @param key the path of the private key; null: a release that nobody signed.
 * @throws where no licence text is found, the key is a stranger, or a tree with changes would be signed.
 */
export async function makeRelease(
  root: string,
  key: string | null,
  architectures: readonly Architecture[],
  { compression, images = false }: Also = {},
): Promise<Release> {
  const checkout = await readCheckout(root)
  const { version: written, files } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const version = versionOf(written, checkout)
  if (key !== null && checkout.dirty)
    throw new Error(
      'there are changes that are in no commit: nobody could build again what is signed. Commit them first',
    )
  // A release that fails leaves the one before whole.
  const fresh = join(root, `.release-${process.pid}`)
  const name = `homeward-${version}`
  const folder = join(fresh, name)
  try {
    await mkdir(folder, { recursive: true })
    const metafile = join(fresh, 'metafile.json')
    await runCommand(
      process.execPath,
      [join(root, 'build.mjs'), '--outdir', join(folder, 'dist'), '--version', version, '--metafile', metafile],
      { timeoutMs: 300_000 },
    )
    for (const { path, executable } of await trackedFiles(root, [...files, 'package.json'])) {
      const to = join(folder, path)
      await mkdir(dirname(to), { recursive: true })
      await copyFile(join(root, path), to)
      await chmod(to, executable ? 0o755 : 0o644)
    }
    const bundled = bundledPackages(JSON.parse(await readFile(metafile, 'utf8')))
    const licensed = await Promise.all(bundled.map((place) => readLicensed(join(root, place))))
    await writeFile(join(folder, 'NOTICES'), noticesOf(licensed, BY_HAND))
    const bom = await bomOf(root, metafile, { version, ...checkout })
    await rm(metafile)
    await writeFile(join(folder, BOM), bom)
    // By it a version that is installed fetches the next one, and trusts the keys that it came with.
    await writeGetScript(root, folder)
    await seal(folder)
    const tarballs = [await packFolder(fresh, name, checkout.committedAt)]
    for (const architecture of architectures) tarballs.push(...(await packWithNode(architecture, bom)))
    const beside = images ? await putFilesBeside(root, fresh, version) : []
    await rm(folder, { recursive: true })
    await writeFile(join(fresh, `${name}.cdx.json`), bom)
    const get = (await writeGetScript(root, fresh)) ? ['get.sh'] : []
    await seal(fresh)
    const place = join(root, 'release')
    await rm(place, { recursive: true, force: true })
    await rename(fresh, place)
    const sums = key === null ? ['SHA256SUMS'] : ['SHA256SUMS', 'SHA256SUMS.sig']
    const { committedAt } = checkout
    return {
      version,
      signed: key !== null,
      committedAt,
      files: [...tarballs, ...beside, `${name}.cdx.json`, ...get, ...sums],
    }
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }

  /** The tarball and the package. The same folder has a name of its own meanwhile, so that two that were unpacked do not mix. */
  async function packWithNode(architecture: Architecture, bom: string): Promise<readonly string[]> {
    const own = `${name}-linux-${architecture}`
    const place = join(fresh, own)
    await rename(folder, place)
    const node = await addNode(root, place, architecture)
    await writeFile(join(place, BOM), await withNode(root, bom, node))
    await seal(place)
    const tarball = await packFolder(fresh, own, checkout.committedAt)
    const { committedAt } = checkout
    const facts = { version, architecture, committedAt }
    const deb = await makeDeb(root, place, fresh, facts, compression)
    const image = images ? [await makeImage(root, place, fresh, facts)] : []
    await rm(join(place, 'node'), { recursive: true })
    await rename(place, folder)
    return [tarball, deb, ...image]
  }

  async function seal(place: string): Promise<void> {
    await writeSums(place)
    if (key !== null) await sign(place, resolve(key), join(root, SIGNERS))
  }
}
