/**
 * Runs the unit tests and the contracts under every Node that homeward is promised to run on, with vitest, the tests and what they start.
 *
 *   npm run test:nodes                    all of them, an hour
 *   npm run test:nodes -- 22              that line
 *   npm run test:nodes -- 22 test/net     with what vitest is to be told
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { ARCHITECTURES, fetchNode } from '../../packaging/node/own-node.ts'
import type { Pin } from '../../packaging/node/pins.ts'
import { runCommand, tryCommand } from '../../system/process/run-command.ts'
import { promisedNodes } from './promised.ts'

/** Where install.sh keeps what it fetches for a checkout. */
const KEPT = resolve('.node')
const [first = '', ...rest] = process.argv.slice(2)
const line = /^\d+$/.test(first) ? first : undefined
const told = line === undefined ? process.argv.slice(2) : rest

const all = await promisedNodes(ARCHITECTURES[process.arch === 'arm64' ? 'arm64' : 'amd64'])
const asked = all.filter(({ version }) => line === undefined || version.startsWith(`${line}.`))
if (asked.length === 0)
  throw new Error(`no Node ${line} is pinned, but ${all.map(({ version }) => version).join(', ')}`)
const results: string[] = []
for (const pin of asked) results.push(`Node ${pin.version}: ${await testedUnder(pin)}`)
process.stdout.write(`${results.join('\n')}\n`)

/** @returns how many tests passed and failed. */
async function testedUnder(pin: Pin): Promise<string> {
  const bin = join(await kept(pin), 'bin')
  const node = join(bin, 'node')
  const { stdout } = await runCommand(node, ['--version'])
  if (stdout.trim() !== `v${pin.version}`) throw new Error(`${node} is Node ${stdout.trim()}: remove ${KEPT}`)
  const folder = await mkdtemp(join(tmpdir(), 'homeward-nodes-'))
  try {
    const report = join(folder, 'report.json')
    const projects = ['--project', 'unit', '--project', 'contract']
    const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`]
    // First on the PATH, since tests start node by its name too, and npm does.
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` }
    const vitest = spawn(node, ['node_modules/vitest/vitest.mjs', 'run', ...projects, ...reporters, ...told], {
      stdio: 'inherit',
      env,
    })
    const [status] = (await once(vitest, 'exit')) as [number | null]
    const failed = status === 0 ? '' : `vitest ended with status ${status}`
    const counted = await tryCommand(node, ['.ci/count-tests.mjs', report, failed], { timeoutMs: 60_000 })
    if (counted.exitCode !== 0) process.exitCode = 1
    return counted.stdout.trim().split('\n').at(-1) ?? ''
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Fetched once, and whole where it is there. */
async function kept(pin: Pin): Promise<string> {
  const place = join(KEPT, `${pin.name}-${pin.version}`)
  if (existsSync(place)) return place
  await rm(`${place}.new`, { recursive: true, force: true })
  await fetchNode(pin, `${place}.new`)
  await rename(`${place}.new`, place)
  return place
}
