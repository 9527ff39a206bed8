import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSettings } from '../../alerts/live-settings.ts'

const GOOD = 'channels:\n  phone: ntfys://tk_secret@ntfy.example/home\n'
const SPOILT = 'channels:\n  phone: [\n'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  file = join(folder, 'config', 'alerts.yaml')
  await mkdir(join(folder, 'config'))
  await mkdir(join(folder, 'state'))
})
afterEach(() => rm(folder, { recursive: true }))

/** The settings of an end that begins now, and what its log says. */
async function begin() {
  const said: string[] = []
  const hear = (_facts: object, text: string): void => void said.push(text)
  const settings = await openSettings(
    { end: 'home', configDir: join(folder, 'config'), stateDir: join(folder, 'state') },
    { info: hear, warn: hear, error: hear, debug: hear } as Parameters<typeof openSettings>[1],
  )
  return { settings, said, channels: () => Object.keys(settings.current().channels) }
}

test('a slip of the pen costs no channel, over restarts too, and is said without a secret', async () => {
  await writeFile(file, GOOD, { mode: 0o600 })
  const first = await begin()
  expect([first.channels(), first.said]).toEqual([['phone'], []])

  await writeFile(file, SPOILT)
  expect(await first.settings.take()).toBe(false)
  expect(first.channels()).toEqual(['phone'])
  const second = await begin()
  expect([second.channels(), second.settings.isRead()]).toEqual([['phone'], true])
  expect(second.said).toEqual([expect.stringMatching(/alerts\.yaml.*The last good alerts are in force\.$/)])
  expect(second.said.join()).not.toContain('tk_secret')

  await writeFile(file, GOOD.replace('phone', 'tablet'))
  expect(await second.settings.take()).toBe(true)
  await writeFile(file, SPOILT)
  expect((await begin()).channels()).toEqual(['tablet'])
})

test('what is kept holds secrets, and is its owner’s alone', async () => {
  await writeFile(file, GOOD, { mode: 0o600 })
  await begin()
  const kept = join(folder, 'state', 'alerts.last-good.yaml')
  expect(await readFile(kept, 'utf8')).toBe(GOOD)
  expect((await stat(kept)).mode & 0o777).toBe(0o600)
})

test('a file that was taken away, or that others may read, is not stood in for', async () => {
  await writeFile(file, GOOD, { mode: 0o600 })
  await begin()
  await rm(file)
  expect((await begin()).channels()).toEqual([])
  await writeFile(file, GOOD, { mode: 0o644 })
  const { channels, said } = await begin()
  expect(channels()).toEqual([])
  expect(said).toEqual([expect.stringMatching(/other users may read it/)])
})
