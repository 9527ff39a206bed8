import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { logs } from '../../../cli/logs/logs.ts'
import { heardWhile } from '../heard.ts'

/** A machine whose journalctl is a script of the test's: it repeats its arguments and a line of each kind. */
let folder: string
const path = process.env['PATH']
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  process.env['PATH'] = `${folder}:${path}`
})
afterEach(async () => {
  process.env['PATH'] = path
  await rm(folder, { recursive: true })
})

const ENTRY = '{"level":40,"time":"2026-11-23T03:12:05.123Z","role":"hub","home":"cabin","msg":"a \\u001b[2J home"}'
const journal = (end: string): Promise<void> =>
  writeFile(join(folder, 'journalctl'), `#!/bin/sh\necho "$@"\nprintf '%s\\n' '${ENTRY}'\n${end}\n`, { mode: 0o755 })
const context = (json = false) => ({ configDir: folder, stateDir: folder, runtimeDir: folder, json, yes: false })

test('the log of both services is told in sentences, and nothing in it commands a terminal', async () => {
  await journal('exit 0')
  const { text, problem } = await heardWhile(() => logs(context(), { lines: '7' }))
  expect(problem).toBeNull()
  expect(text).toBe(
    '--unit homeward --unit homeward-hub --output cat --no-pager --lines 7\n2026-11-23 03:12:05 UTC  warning: a �[2J home  home=cabin\n',
  )
})

test('for scripts it is what was logged, since when they say', async () => {
  await journal('exit 0')
  const { text } = await heardWhile(() => logs(context(true), { lines: '100', since: '2h', follow: true }))
  expect(text.split('\n')[0]).toBe(
    '--unit homeward --unit homeward-hub --output cat --no-pager --since -7200s --follow',
  )
  expect(JSON.parse(text.split('\n')[1] ?? '')).toMatchObject({ home: 'cabin' })
})

test('a journal that fails, and none at all, are said', async () => {
  await journal('exit 3')
  const failed = await heardWhile(() => logs(context(), { lines: '7' }))
  expect(failed.problem).toMatchObject({ code: 'command-failed' })
  process.env['PATH'] = '/nowhere'
  const none = await heardWhile(() => logs(context(), { lines: '7' }))
  expect(none.problem).toMatchObject({ code: 'tool-missing' })
  expect(none.problem?.message).toContain('where homeward run or homeward hub run was started')
  const odd = await heardWhile(() => logs(context(), { lines: 'all' }))
  expect(odd.problem).toMatchObject({ code: 'wrong-usage' })
})
