import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tryCommand } from '../../system/process/run-command.ts'

const counter = fileURLToPath(new URL('../../.ci/count-tests.mjs', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-count-'))
})
afterAll(() => rm(folder, { recursive: true }))

interface TestFile {
  readonly status: string
  readonly assertionResults: readonly { readonly status: string }[]
}

async function lastLine(testResults: readonly TestFile[] | null, failed = ''): Promise<readonly [string, number]> {
  const report = join(folder, 'report.json')
  await writeFile(report, testResults === null ? '' : JSON.stringify({ testResults }))
  const { stdout, exitCode } = await tryCommand(process.execPath, [counter, report, failed])
  return [stdout.trimEnd().split('\n').at(-1) ?? '', exitCode]
}

const passed = { status: 'passed' }
const broken = { status: 'failed' }
const skipped = { status: 'skipped' }

test('all passed', async () => {
  const files = [{ status: 'passed', assertionResults: [passed, passed, skipped] }]
  expect(await lastLine(files)).toEqual(['2 passed, 0 failed', 0])
})

test('a test that failed fails the run', async () => {
  const files = [{ status: 'failed', assertionResults: [passed, broken] }]
  expect(await lastLine(files)).toEqual(['1 passed, 1 failed', 1])
})

test('a file that could not be loaded counts as one failure', async () => {
  const files = [
    { status: 'failed', assertionResults: [] },
    { status: 'passed', assertionResults: [passed] },
  ]
  expect(await lastLine(files)).toEqual(['1 passed, 1 failed', 1])
})

test('no test at all fails the run', async () => {
  expect(await lastLine([])).toEqual(['0 passed, 0 failed', 1])
  expect(await lastLine(null)).toEqual(['0 passed, 0 failed', 1])
})

test('what failed besides the tests fails the run', async () => {
  const files = [{ status: 'passed', assertionResults: [passed] }]
  expect(await lastLine(files, 'lint')).toEqual(['1 passed, 0 failed', 1])
})
