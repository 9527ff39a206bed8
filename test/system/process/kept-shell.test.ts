import { readFile, rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keepShell, type KeptShell } from '../../../system/process/kept-shell.ts'

const LATE = { timeoutMs: 60_000 }

let folder: string
let shell: KeptShell
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kept-shell-'))
  shell = keepShell()
})
afterEach(async () => {
  shell.end()
  await rm(folder, { recursive: true, force: true })
})

/** The process number of the shell. */
const numberOf = async (): Promise<number> => Number((await shell.run('echo $$', LATE))?.stdout)
const isThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('one shell says all that each program wrote, and how it ended', async () => {
  const first = await numberOf()
  expect(await shell.run(`printf 'a  b\\n\\n'; printf oops >&2`, LATE)).toEqual({
    exitCode: 0,
    stdout: 'a  b\n\n',
    stderr: 'oops',
  })
  expect(await shell.run('(exit 3)', LATE)).toEqual({ exitCode: 3, stdout: '', stderr: '' })
  const much = await shell.run('seq 60000; seq 60000 >&2', LATE)
  expect([much?.stdout.length, much?.stderr]).toEqual([348_894, much?.stdout])
  expect(await numberOf()).toBe(first)
})

test('one that hangs is killed in time with its shell, and another shell takes over', async () => {
  const first = await numberOf()
  const hanging = `sh -c 'echo $$ >"${folder}/hanging"; sleep 600'`
  expect(await shell.run(hanging, { timeoutMs: 2_000 })).toBeNull()
  const pid = Number(await readFile(join(folder, 'hanging'), 'utf8'))
  for (const one of [pid, first]) await vi.waitFor(() => expect(isThere(one)).toBe(false))
  expect(await numberOf()).not.toBe(first)
})

test('one that is aborted is killed at once', async () => {
  expect(await shell.run('sleep 600', { ...LATE, signal: AbortSignal.timeout(200) })).toBeNull()
  expect(await shell.run('echo whole', LATE)).toMatchObject({ stdout: 'whole\n' })
})

test('a shell that somebody killed is replaced', async () => {
  const first = await numberOf()
  process.kill(first, 'SIGKILL')
  await vi.waitFor(async () => expect(await numberOf()).toBeGreaterThan(0))
  expect(await numberOf()).not.toBe(first)
})

test('told to end, it leaves no shell behind', async () => {
  const first = await numberOf()
  shell.end()
  await vi.waitFor(() => expect(isThere(first)).toBe(false))
})
