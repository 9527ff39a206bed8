import { spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleFor } from '../../lab/host/bundle.ts'

const PATIENT = { timeout: 60_000 }

/** The journal is a file here: what matters is that the program is told of its device and inode. */
let folder: string
let program: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'homeward-journal-'))
  program = await bundleFor(folder, new URL('../log-program.ts', import.meta.url))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What the log writes to its stdout, when JOURNAL_STREAM names this device and inode. */
async function written(journalStream: (own: string) => string | undefined): Promise<readonly string[]> {
  const path = join(folder, 'stdout')
  const fd = openSync(path, 'w')
  const { dev, ino } = fstatSync(fd)
  const told = journalStream(`${dev}:${ino}`)
  const { JOURNAL_STREAM: _, ...env } = process.env
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', fd, 'inherit'],
    env: { ...env, ...(told === undefined ? {} : { JOURNAL_STREAM: told }) },
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  closeSync(fd)
  expect(code).toBe(0)
  return readFileSync(path, 'utf8').trimEnd().split('\n')
}

const prefixOf = (line: string): string => line.slice(0, line.indexOf('{'))

test('in the journal each line is a sentence behind the priority of its level, with its facts', PATIENT, async () => {
  const lines = await written((own) => own)
  expect(lines.map((line) => line.slice(0, 3))).toEqual(['<7>', '<7>', '<6>', '<4>', '<3>', '<2>', '<4>'])
  expect(lines.at(-1)).toBe('<4>child  of=agent')
  expect(lines.join('')).not.toContain('{')
})

test(
  'anywhere else there is none: without a journal, and where a service sends its output to a file',
  PATIENT,
  async () => {
    for (const told of [undefined, '', 'nonsense', '8:1']) {
      const lines = await written(() => told)
      expect(lines.map(prefixOf), told).toEqual(Array.from({ length: 7 }, () => ''))
    }
  },
)
