import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'

const DEMO = fileURLToPath(new URL('../../dist/demo.js', import.meta.url))
const running: ChildProcess[] = []

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

/** The built demo, and all it prints. */
function startDemo(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [DEMO, ...args], { env: { ...process.env, ...env } })
  running.push(child)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const ended = once(child, 'close').then(([status]) => status as number | null)
  return {
    child,
    ended,
    printed: () => printed,
    prints: (pattern: RegExp) => expect.poll(() => printed, { timeout: 240_000, interval: 20 }).toMatch(pattern),
  }
}

/** What went into a namespace from outside ends a moment after what it began there. */
const nothingRemains = (child: ChildProcess) => expect.poll(() => remains(child)).toEqual([])

/** Whatever still bears the name of this demo's laboratory: its folder, and processes told where their disk is. */
function remains({ pid }: ChildProcess): readonly string[] {
  const mark = `homeward-lab-${pid}-`
  const processes = readdirSync('/proc').filter(
    (entry) =>
      /^\d+$/.test(entry) && ['cmdline', 'environ'].some((file) => contentOf(`/proc/${entry}/${file}`).includes(mark)),
  )
  return [...readdirSync(tmpdir()).filter((name) => name.startsWith(mark)), ...processes]
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

it('shows the page through both NATs, before and after the mapping changed, and leaves nothing', async () => {
  const started = performance.now()
  const demo = startDemo()
  const status = await demo.ended
  expect(demo.printed()).toMatch(/✓ the camera's page, on the phone .* asked by 192\.168\.1\.2/)
  expect(demo.printed()).toMatch(/page back after .* (198\.51\.100\.\d+):\d+ → (?!\1)198\.51\.100\.\d+:\d+/)
  expect(status).toBe(0)
  expect(performance.now() - started).toBeLessThan(240_000)
  await nothingRemains(demo.child)
})

it('stays up with --keep, says how to look around, and leaves nothing when interrupted', async () => {
  const demo = startDemo(['--keep'])
  await demo.prints(/Ctrl-C[^]*hub +nsenter -t \d+ /)
  const [, pid] = /hub +nsenter -t (\d+)/.exec(demo.printed()) ?? []
  expect(readdirSync('/proc')).toContain(pid)
  expect(remains(demo.child).length).toBeGreaterThan(10)
  demo.child.kill('SIGINT')
  expect(await demo.ended).toBe(0)
  expect(readdirSync('/proc')).not.toContain(pid)
  await nothingRemains(demo.child)
})

it('interrupted halfway, says so, fails and leaves nothing', async () => {
  const demo = startDemo()
  await demo.prints(/✓ the hub/)
  demo.child.kill('SIGTERM')
  expect(await demo.ended).toBe(1)
  expect(demo.printed()).toMatch(/demo failed: the demo was stopped after \d+ s/)
  await nothingRemains(demo.child)
})

it('names the step that failed, fails and leaves nothing', async () => {
  const demo = startDemo([], { HOMEWARD_BIN: '/nowhere/homeward.js' })
  expect(await demo.ended).toBe(1)
  expect(demo.printed()).toMatch(/demo failed: the hub: homeward hub init, hub run: on hub, .* failed/)
  await nothingRemains(demo.child)
})

it('refuses an option it does not know', async () => {
  const demo = startDemo(['--kep'])
  expect(await demo.ended).toBe(64)
  expect(demo.printed()).toContain('I do not know --kep')
})
