import { createHash } from 'node:crypto'
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runCommand } from '../../system/process/run-command.ts'
import { changelogOf, controlOf, type DebFacts, debVersion } from './control.ts'

/** xz of 130 MB takes a minute of one core, and more of a busy one. */
const PACK_MS = 1_200_000
const DOC = 'usr/share/doc/homeward'
const LIBRARY = 'usr/lib/homeward'
const SERVICES = ['homeward.service', 'homeward-hub.service']
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm']
const PROGRAMS = new Set([
  'usr/bin/homeward',

  `${LIBRARY}/node/bin/node`,
  ...SCRIPTS.map((name) => `DEBIAN/${name}`),
])

/** How the files in a package are packed: as a release has it, or not at all, for tests that look at what is in it. */
export type Compression = 'xz' | 'none'

/**
 * Makes homeward_VERSION_ARCHITECTURE.deb of a release with a Node of its own. Two of one release are the same, byte for byte
 * (reproducible-builds.org; dpkg-deb(1), SOURCE_DATE_EPOCH).
 * @param root the checkout, whose folder packaging/deb has what only a package needs.
 * @param release the folder of the release.
 * @param into the folder for the package.
 * @returns its name.
 */
export async function makeDeb(
  root: string,
  release: string,
  into: string,
  facts: DebFacts,
  compression: Compression = 'xz',
): Promise<string> {
  const tree = join(into, `.deb-${facts.architecture}`)
  const name = `homeward_${debVersion(facts.version)}_${facts.architecture}.deb`
  try {
    await layOut(root, release, tree, facts)
    await describe(root, tree, facts)
    await setModes(tree)
    const options = ['--root-owner-group', `-Z${compression}`, '--build', tree, join(into, name)]
    await runCommand('env', [`SOURCE_DATE_EPOCH=${facts.committedAt}`, 'dpkg-deb', ...options], { timeoutMs: PACK_MS })
    return name
  } finally {
    await rm(tree, { recursive: true, force: true })
  }
}

async function layOut(root: string, release: string, tree: string, facts: DebFacts): Promise<void> {
  const own = (name: string): string => join(root, 'packaging/deb', name)
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(tree, path)), { recursive: true })
    await writeFile(join(tree, path), text)
  }
  const copy = async (from: string, path: string): Promise<void> => put(path, await readFile(from, 'utf8'))
  await cp(join(release, 'dist'), join(tree, LIBRARY, 'dist'), { recursive: true })
  await rm(join(tree, LIBRARY, 'dist/demo.js'), { force: true })
  // It is called by its full name; what its first line asks for, a Node on the PATH, a package would have to depend on.
  const program = join(tree, LIBRARY, 'dist/homeward.js')
  await writeFile(program, (await readFile(program, 'utf8')).replace(/^#!.*\n/, ''))
  await mkdir(join(tree, LIBRARY, 'node/bin'), { recursive: true })
  await cp(join(release, 'node/bin/node'), join(tree, LIBRARY, 'node/bin/node'))
  await copy(join(release, 'package.json'), `${LIBRARY}/package.json`)
  await copy(own('launcher'), 'usr/bin/homeward')
  for (const name of SERVICES)
    await put(`usr/lib/systemd/system/${name}`, packagedUnit(await readFile(join(release, 'systemd', name), 'utf8')))
  for (const name of ['sysusers', 'tmpfiles', 'modules-load'])
    await copy(own(`${name}.conf`), `usr/lib/${name}.d/homeward.conf`)
  await copy(own('lintian-overrides'), 'usr/share/lintian/overrides/homeward')
  for (const name of ['README.md', 'CHANGELOG.md', 'homeward.cdx.json'])
    await copy(join(release, name), `${DOC}/${name}`)
  await cp(join(release, 'docs'), join(tree, DOC, 'docs'), { recursive: true })
  await put(`${DOC}/copyright`, copyrightOf(await readFile(join(release, 'LICENSE'), 'utf8')))
  await copy(join(release, 'NOTICES'), `${DOC}/NOTICES`)
  await copy(join(release, 'node/LICENSE'), `${DOC}/NOTICES.node`)
  await put(`${DOC}/changelog`, changelogOf(facts))
  await copy(own('homeward.1'), 'usr/share/man/man1/homeward.1')
  for (const path of [`${DOC}/changelog`, `${DOC}/NOTICES`, `${DOC}/NOTICES.node`, 'usr/share/man/man1/homeward.1'])
    await runCommand('env', ['-u', 'GZIP', 'gzip', '--no-name', '--best', join(tree, path)])
}

/**
 * Where the package has the program; what root made by `hub init` or `join` is the service's user's when it
 * starts. Where that fails, as on a disk that is read-only, the daemon begins all the same, and says what it cannot read.
 */
function packagedUnit(unit: string): string {
  return unit
    .replaceAll('/usr/local/bin/homeward', '/usr/bin/homeward')
    .replace(/^ExecStart=/m, 'ExecStartPre=-+/usr/bin/homeward hand-over\n$&')
}

function copyrightOf(own: string): string {
  return `homeward, under the MIT licence:

${own}
What it was bundled with is under licences of its own, whose texts are in /${DOC}/NOTICES.gz.
Node.js, in /${LIBRARY}/node, is nodejs.org's; its licence and those of its parts are in /${DOC}/NOTICES.node.gz.
`
}

/** The folder DEBIAN: what dpkg wants to know. */
async function describe(root: string, tree: string, facts: DebFacts): Promise<void> {
  let bytes = 0
  const sums: string[] = []
  for (const path of await filesIn(tree)) {
    const content = await readFile(join(tree, path))
    bytes += content.byteLength
    sums.push(`${createHash('md5').update(content).digest('hex')}  ${path}\n`)
  }
  const place = join(tree, 'DEBIAN')
  await mkdir(place)
  await writeFile(join(place, 'control'), controlOf(facts, bytes))
  await writeFile(join(place, 'md5sums'), sums.join(''))
  const installer = await readFile(join(root, 'install.sh'), 'utf8')
  for (const name of SCRIPTS) {
    const script = await readFile(join(root, 'packaging/deb', name), 'utf8')
    await writeFile(
      join(place, name),
      script.replace(/^@(\w+)@$/gm, (_, shared: string) => functionOf(installer, shared)),
    )
  }
}

/** A function of install.sh, which a package's scripts share. */
export function functionOf(installer: string, name: string): string {
  const found = new RegExp(`^${name}\\(\\) \\{\\n[^]*?^\\}$`, 'm').exec(installer)?.[0]
  if (found === undefined) throw new Error(`install.sh has no ${name}`)
  return found
}

async function setModes(tree: string): Promise<void> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true })
  await chmod(tree, 0o755)
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const runs = entry.isDirectory() || PROGRAMS.has(path.slice(tree.length + 1))
    await chmod(path, runs ? 0o755 : 0o644)
  }
}

async function filesIn(tree: string): Promise<readonly string[]> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(tree.length + 1))
    .sort()
}
