import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { APPLETS, whatBusyboxLacks } from './applets.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-applets-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** One that was built with these. */
async function busyboxWith(applets: readonly string[]): Promise<string> {
  const path = join(folder, 'busybox')
  await writeFile(path, `#!/bin/sh\nprintf '%s\\n' ${applets.map((one) => `'${one}'`).join(' ')}\n`, { mode: 0o755 })
  return path
}

test('a busybox with more than the router is made of will do', async () => {
  expect(await whatBusyboxLacks(await busyboxWith(['ash', ...APPLETS, 'setsid']))).toEqual([])
})

test('one that was built with less is named, with what it lacks and what to do', async () => {
  const [sentence, ...more] = await whatBusyboxLacks(
    await busyboxWith(APPLETS.filter((one) => one !== 'nc' && one !== 'cmp')),
  )
  expect(sentence).toMatch(/busybox lacks cmp, nc, .* busybox-static/)
  expect(more).toEqual([])
})

test('one that does not run says so in one sentence, and one that is missing is named by the list of tools', async () => {
  await writeFile(join(folder, 'busybox'), '#!/bin/sh\nexit 127\n', { mode: 0o755 })
  expect(await whatBusyboxLacks(join(folder, 'busybox'))).toEqual([
    expect.stringContaining('does not list its applets'),
  ])
  expect(await whatBusyboxLacks(join(folder, 'nothing'))).toEqual([])
})
