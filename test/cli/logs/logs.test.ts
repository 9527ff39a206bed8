import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { logs } from '../../../cli/logs/logs.ts'
import { heardWhile } from '../heard.ts'

/** A machine whose journalctl is a script of the test's: it keeps its arguments, and prints an entry. */
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

const ENTRY = `{"__REALTIME_TIMESTAMP":"1795403525123000","PRIORITY":"4","_SYSTEMD_UNIT":"homeward-hub.service","MESSAGE":"a \\u001b[2J home"}`
const journal = (end: string): Promise<void> =>
  writeFile(join(folder, 'journalctl'), `#!/bin/sh\necho "$@" >${folder}/asked\nprintf '%s\\n' '${ENTRY}'\n${end}\n`, {
    mode: 0o755,
  })
const context = (json = false) => ({ configDir: folder, stateDir: folder, runtimeDir: folder, json, yes: false })

const asked = async (): Promise<string> => (await readFile(join(folder, 'asked'), 'utf8')).trim()
const USUAL =
  '--unit homeward --unit homeward-hub --output json --output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT --no-pager'

test('the log of both services is told in sentences, and nothing in it commands a terminal', async () => {
  await journal('exit 0')
  const { text, problem } = await heardWhile(() => logs(context(), { lines: '7' }))
  expect(problem).toBeNull()
  expect(await asked()).toBe(`${USUAL} --lines 7`)
  expect(text).toBe('2026-11-23 03:12:05 UTC  warning: a �[2J home\n')
})

test('for scripts it is an object a line, since when they say', async () => {
  await journal('exit 0')
  const { text } = await heardWhile(() => logs(context(true), { lines: '100', since: '2h', follow: true }))
  expect(await asked()).toBe(`${USUAL} --since -7200s --follow`)
  expect(text).not.toContain('\u001b')
  expect(JSON.parse(text)).toEqual({
    level: 40,
    time: '2026-11-23T03:12:05.123Z',
    unit: 'homeward-hub.service',
    msg: 'a \u001b[2J home',
  })
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
