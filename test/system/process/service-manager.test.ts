import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeLog } from '../../../system/process/log.ts'
import { type Served, tellServiceManager } from '../../../system/process/service-manager.ts'

/** systemd-notify is a script here that keeps its arguments; systemd itself is asked in services.lab.test.ts. */
let folder: string
const environment = { ...process.env }
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-notify-'))
  process.env['PATH'] = `${folder}:${environment['PATH']}`
  process.env['NOTIFY_SOCKET'] = '/run/systemd/notify'
  process.env['WATCHDOG_USEC'] = '300000'
  await notifier('')
})
afterEach(async () => {
  for (const name of ['PATH', 'NOTIFY_SOCKET', 'WATCHDOG_USEC'])
    if (environment[name] === undefined) delete process.env[name]
    else process.env[name] = environment[name]
  await rm(folder, { recursive: true })
})

const notifier = (last: string): Promise<void> =>
  writeFile(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$@" >>${folder}/told\n${last}\n`, { mode: 0o755 })
const told = async (): Promise<readonly string[]> =>
  (await readFile(join(folder, 'told'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
const until = (isSo: (lines: readonly string[]) => boolean): Promise<void> =>
  expect.poll(async () => isSo(await told()), { timeout: 30_000 }).toBe(true)

async function whileTold(served: Partial<Served>, act: () => Promise<void>): Promise<void> {
  const ending = new AbortController()
  const log = makeLog('agent')
  log.level = 'silent'
  const all = { isSettled: () => true, isTurning: () => true, text: () => 'hw0 is\nup', ...served }
  const telling = tellServiceManager(all, log, ending.signal)
  try {
    await act()
  } finally {
    ending.abort()
    await telling
  }
}

test('a daemon is ready when it is settled, and alive while its loop turns', async () => {
  let isSettled = false
  let isTurning = true
  let asked = 0
  const turning = (): boolean => {
    asked++
    return isTurning
  }
  await whileTold({ isSettled: () => isSettled, isTurning: turning }, async () => {
    // Longer than a look takes.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await told()).toEqual([])
    isSettled = true
    await until((lines) => lines.length > 2)
    const lines = await told()
    expect(lines[0]).toBe('READY=1 STATUS=hw0 is up')
    expect(new Set(lines.slice(1))).toEqual(new Set(['WATCHDOG=1 STATUS=hw0 is up']))
    isTurning = false
    asked = 0
    // Asked twice, what it said before is out.
    await expect.poll(() => asked, { timeout: 30_000 }).toBeGreaterThan(1)
    const stuck = (await told()).length
    await expect.poll(() => asked, { timeout: 30_000 }).toBeGreaterThan(5)
    expect(await told()).toHaveLength(stuck)
    isTurning = true
    await until((now) => now.length > stuck)
  })
})

test('where there is no watchdog it is ready, and says no more', async () => {
  delete process.env['WATCHDOG_USEC']
  await whileTold({}, () => until((lines) => lines.length === 1))
  expect(await told()).toEqual(['READY=1 STATUS=hw0 is up'])
})

test('a notifier that fails ends nothing: the next sign of life is tried', async () => {
  await notifier('exit 1')
  await whileTold({}, () => until((lines) => lines.length > 3))
})

test('nobody is told where nobody asks', async () => {
  delete process.env['NOTIFY_SOCKET']
  const log = makeLog('agent')
  const served = { isSettled: () => true, isTurning: () => true, text: () => '' }
  await tellServiceManager(served, log, new AbortController().signal)
  expect(await told()).toEqual([])
})
