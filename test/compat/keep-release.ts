/**
 * Keeps the bundle of a release beside the tests, where test/compat runs it with today's as the other end.
 *
 *   npm run keep:release -- v0.2.0       a tag or another commit
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { packFolder } from '../../packaging/archive.ts'
import { runCommand } from '../../system/process/run-command.ts'
import { KEPT_BUNDLE, KEPT_RELEASE, type KeptRelease } from './last-release.ts'

const LONG = { timeoutMs: 600_000 }
/** All of it is looked back at: the vendors' parts are alike. */
const WINDOW_BITS = 24

const [wanted] = process.argv.slice(2)
if (wanted === undefined) throw new Error('which one? npm run keep:release -- TAG')
const line = async (args: readonly string[]): Promise<string> => (await runCommand('git', args)).stdout.trim()
const commit = await line(['rev-parse', '--verify', `${wanted}^{commit}`])
const committedAt = Number(await line(['show', '--no-patch', '--format=%ct', commit]))
const folder = await mkdtemp(join(tmpdir(), 'homeward-keep-'))
try {
  const tree = join(folder, 'tree')
  await runCommand('git', ['worktree', 'add', '--detach', '--quiet', tree, commit], LONG)
  try {
    await install(tree)
    await runCommand('npm', ['--prefix', tree, 'run', 'build', '--', '--outdir', join(folder, 'dist')], LONG)
    const { version } = JSON.parse(await readFile(join(tree, 'package.json'), 'utf8')) as { readonly version: string }
    await keep({ version, commit })
  } finally {
    await runCommand('git', ['worktree', 'remove', '--force', tree], LONG)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** The packages of that commit: our own where they are the same. */
async function install(tree: string): Promise<void> {
  const lockOf = (root: string) => readFile(join(root, 'package-lock.json'), 'utf8')
  if ((await lockOf(tree)) === (await lockOf('.')) && existsSync('node_modules'))
    return await symlink(resolve('node_modules'), join(tree, 'node_modules'))
  await runCommand('npm', ['ci', '--prefix', tree, '--ignore-scripts', '--no-audit', '--no-fund'], LONG)
}

async function keep(release: KeptRelease): Promise<void> {
  // No end of a tunnel runs them.
  for (const name of await readdir(join(folder, 'dist')))
    if (name === 'demo.js' || name.endsWith('.LEGAL.txt')) await rm(join(folder, 'dist', name))
  await packFolder(folder, 'dist', committedAt)
  await runCommand('gzip', ['--decompress', join(folder, 'dist.tar.gz')], LONG)
  const tar = await readFile(join(folder, 'dist.tar'))
  const packed = await promisify(brotliCompress)(tar, {
    params: { [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS, [constants.BROTLI_PARAM_SIZE_HINT]: tar.length },
  })
  await writeFile(KEPT_BUNDLE, packed)
  await writeFile(KEPT_RELEASE, `${JSON.stringify(release, null, 2)}\n`)
  process.stdout.write(`homeward ${release.version} of ${release.commit}: ${packed.length} bytes\n`)
}
