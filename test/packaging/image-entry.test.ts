import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { entryOf } from '../../packaging/image/image.ts'

/** The entry point in a machine of folders, with programs of shell in the place of homeward's: it decides which one runs. */
let root: string
let container: ChildProcess | null = null

/** Each is `dist/homeward.js`; `run` goes on until it is told to end. */
const PROGRAMS = {
  good: ['"tunnel" "state": "up"', 'while :; do sleep 0.1; done'],
  deaf: ['"tunnel" "state": "offline"', 'while :; do sleep 0.1; done'],
  broken: ['', 'exit 1'],
} as const

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'homeward-entry-'))
  for (const place of ['usr/bin', 'usr/lib/homeward/dist', 'run', 'data/config', 'data/state'])
    await mkdir(join(root, place), { recursive: true })
  await writeFile(join(root, 'data/config/agent.yaml'), 'home: cabin\n')
  const paths = ['packaging/image/entry', 'install.sh', 'systemd/homeward.service', 'systemd/homeward-hub.service']
  const [text = '', ...shared] = await Promise.all(paths.map((path) => readFile(path, 'utf8')))
  const entry = entryOf(text, ...(shared as [string, string, string]))
  await writeFile(
    join(root, 'entry'),
    entry.replaceAll(/=\/(?:run|data|usr)\//g, (path) => `=${root}${path.slice(1)}`),
  )
  const launcher = await readFile('packaging/image/launcher', 'utf8')
  await writeFile(
    join(root, 'usr/bin/homeward'),
    launcher
      .replaceAll(/=\/(?:run|usr)\//g, (path) => `=${root}${path.slice(1)}`)
      .replace('/usr/lib/homeward/node/bin/node', 'bash'),
    { mode: 0o755 },
  )
})
afterEach(async () => {
  // What it has started too.
  if (container?.pid !== undefined) process.kill(-container.pid, 'SIGKILL')
  container = null
  await rm(root, { recursive: true, force: true })
})

/** The image of a version. */
async function load(version: string, kind: keyof typeof PROGRAMS): Promise<void> {
  const [status, runs] = PROGRAMS[kind]
  const library = join(root, 'usr/lib/homeward')
  await writeFile(join(library, 'package.json'), `{\n  "version": "${version}"\n}\n`)
  await writeFile(
    join(library, 'dist/homeward.js'),
    `case "$*" in
  run) trap 'exit 0' TERM; echo "${version} runs"; ${runs} ;;
  *status*) printf '%s\\n' '${status}' ;;
  settings-back*) echo "$*" ;;
esac
`,
  )
}

let said = ''
async function start(): Promise<void> {
  said = ''
  container = spawn('bash', [join(root, 'entry')], {
    detached: true,
    env: {
      PATH: `${root}/usr/bin:${process.env['PATH'] ?? ''}`,
      HOMEWARD_CONFIG_DIR: join(root, 'data/config'),
      HOMEWARD_STATE_DIR: join(root, 'data/state'),
      HOMEWARD_PROVING_SECONDS: '1',
    },
  })
  for (const stream of [container.stdout, container.stderr]) stream?.on('data', (part) => (said += String(part)))
}
async function stop(): Promise<void> {
  const ended = once(container!, 'exit')
  container?.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  container = null
}
const hears = (text: string | RegExp) => vi.waitFor(() => expect(said).toMatch(text))
const kept = (name: string): Promise<string | null> =>
  readFile(join(root, 'data/program', name), 'utf8').catch(() => null)

/** A container of that image, until its program is kept. */
async function prove(version: string): Promise<void> {
  await load(version, 'good')
  await start()
  await vi.waitFor(async () => {
    expect(await kept('package.json')).toContain(version)
    expect(await kept('carried')).toBe('1\n')
  })
  await stop()
}

test('the program of a first image is kept, with what it carries, and no file of a secret', async () => {
  await prove('1.0.0')
  expect(await kept('package.json')).toContain('1.0.0')
  expect(await readdir(join(root, 'data/program'))).toEqual(['carried', 'dist', 'package.json'])
})

test('an image whose program ends makes way for the one before, at once and at the next start', async () => {
  await prove('1.0.0')
  await load('1.1.0', 'broken')
  await start()
  await hears(
    /1\.1\.0, the version of this image, does not stay: it ends by itself\. 1\.0\.0, the version before, goes on/,
  )
  expect(said).toMatch(/^(?:1\.1\.0 runs\n)+settings-back --newer 1\.1\.0 --why it ends by itself \S+\n1\.0\.0 runs/)
  await stop()
  await start()
  await hears('1.1.0, the version of this image, did not stay, so 1.0.0 goes on')
  await hears('1.0.0 runs')
  expect(said).not.toContain('1.1.0 runs')
  await stop()
  await prove('1.2.0')
  expect(await kept('package.json')).toContain('1.2.0')
  expect(await kept('refused')).toBeNull()
})

test('an image whose program carries no tunnel makes way for the one before, which does', async () => {
  await prove('1.0.0')
  await load('1.1.0', 'deaf')
  await start()
  await hears(/does not stay: after 1 s it carries fewer tunnels than the version before/)
  await stop()
})

test('an image is not blamed for a line that is down: what the one before does not carry either', async () => {
  await prove('1.0.0')
  await load('1.1.0', 'deaf')
  await writeFile(
    join(root, 'data/program/dist/homeward.js'),
    (await readFile(join(root, 'usr/lib/homeward/dist/homeward.js'), 'utf8')).replace('1.1.0', '1.0.0'),
  )
  await start()
  await hears(/1\.0\.0, the version before, does no better, so this one goes on\n1\.1\.0 runs/)
  await stop()
  expect(await kept('refused')).toBeNull()
})

test('settings that nobody reads end the container with what the new one says', async () => {
  await prove('1.0.0')
  await load('1.1.0', 'broken')
  await writeFile(join(root, 'data/program/dist/homeward.js'), 'exit 1\n')
  await start()
  const [status] = await once(container!, 'exit')
  expect(status).toBe(1)
  expect(said).toMatch(/does no better, so this one goes on\n1\.1\.0 runs\n$/)
  expect(existsSync(join(root, 'run/homeward-program'))).toBe(false)
})
