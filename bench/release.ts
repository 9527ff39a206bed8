/**
 * `npm run package -- --only amd64 && npm run bench:release`: what a release with a Node of its own weighs, and an image where there is one, and what a start of homeward costs
 * beside one of that Node alone.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../system/process/run-command.ts'
import { unpackImage } from '../test/image/image.ts'
import { median, report, type Row } from './report.ts'

const RUNS = 15
const MB = 1_000_000
/** getrusage(2), ru_maxrss: the most that it ever held, in kB. Told at its end by each process that loads this first. */
const TELL = `data:text/javascript,process.on('exit',()=>process.stderr.write('maxrss='+process.resourceUsage().maxRSS+'\\n'))`

const folder = await mkdtemp(join(tmpdir(), 'homeward-bench-'))
try {
  // A fresh clone has no such folder.
  const names = existsSync('release') ? await readdir('release') : []
  const tarball = names.find((name) => name.endsWith('-linux-amd64.tar.gz'))
  if (tarball === undefined) throw new Error('release/ has none for amd64: npm run package -- --only amd64')
  await runCommand('tar', ['-xf', join('release', tarball), '-C', folder], { timeoutMs: 120_000 })
  const unpacked = join(folder, tarball.replace('.tar.gz', ''))
  const node = join(unpacked, 'node/bin/node')
  const rows: Row[] = []
  for (const name of names.filter((one) => /\.(?:deb|tar\.gz)$/.test(one)).sort())
    rows.push(size(`download of ${name}`, (await stat(join('release', name))).size, 60 * MB))
  rows.push(size('its Node, installed', (await stat(node)).size, 150 * MB))
  rows.push(size('homeward itself, installed', await bytesIn(join(unpacked, 'dist')), 10 * MB))
  const bare = await measure([node], ['-e', '0'])
  rows.push(...starts('', await measure([node], [join(unpacked, 'dist/homeward.js'), '--version']), bare))
  const image = names.find((name) => name.endsWith('-image-amd64.tar'))
  if (image !== undefined) rows.push(...(await imageRows(join('release', image), bare)))
  report('a release with a Node of its own (amd64)', rows)
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** `npm run package -- --only amd64 --image` makes one; its program is started in its own root, by root. */
async function imageRows(tar: string, bare: Start): Promise<readonly Row[]> {
  const { root } = await unpackImage(tar, join(folder, 'layout'), join(folder, 'root'))
  const inImage = ['chroot', root, '/usr/lib/homeward/node/bin/node']
  const started = await measure(inImage, ['/usr/lib/homeward/dist/homeward.js', '--version'])
  return [
    size('the image, to load', (await stat(tar)).size, 90 * MB),
    size('the image, unpacked', await bytesIn(root), 220 * MB),
    ...starts('in the image: ', started, bare),
  ]
}

/** What a start costs, beside one of the Node alone. */
function starts(where: string, started: Start, bare: Start): readonly Row[] {
  return [
    {
      what: `${where}homeward --version, from start to end`,
      measured: `${started.ms.toFixed(0)} ms`,
      yardstick: `${bare.ms.toFixed(0)} ms, node -e 0`,
      reach: '100 ms more',
      met: started.ms - bare.ms <= 100,
    },
    {
      what: `${where}the most memory it held (RSS)`,
      measured: `${started.rssMb.toFixed(0)} MB`,
      yardstick: `${bare.rssMb.toFixed(0)} MB, node -e 0`,
      reach: '15 MB more',
      met: started.rssMb - bare.rssMb <= 15,
    },
  ]
}

function size(what: string, bytes: number, reach: number): Row {
  const text = (count: number): string => `${(count / MB).toFixed(1)} MB`
  return { what, measured: text(bytes), yardstick: '', reach: text(reach), met: bytes <= reach }
}

async function bytesIn(place: string): Promise<number> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size))
  return sizes.reduce((sum, one) => sum + one, 0)
}

interface Start {
  readonly ms: number
  readonly rssMb: number
}

/** Medians of some starts, the first of which only warms the disk's cache. @param node and what calls it. */
async function measure([program = '', ...before]: readonly string[], args: readonly string[]): Promise<Start> {
  const times: number[] = []
  const memory: number[] = []
  for (let run = 0; run <= RUNS; run++) {
    const startedAt = performance.now()
    await runCommand(program, [...before, ...args])
    if (run > 0) times.push(performance.now() - startedAt)
    const { stderr } = await runCommand(program, [...before, '--import', TELL, ...args])
    memory.push(Number(/maxrss=(\d+)/.exec(stderr)?.[1]) / 1024)
  }
  return { ms: median(times), rssMb: median(memory) }
}
