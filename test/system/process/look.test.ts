import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runLook, shellLine, tryLook } from '../../../system/process/look.ts'
import { tryCommand } from '../../../system/process/run-command.ts'
import { array, assert, asyncProperty, string } from '../../properties.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'look-'))
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

/** A program of that name, which notes who started it each time. */
async function program(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\necho $PPID >>${folder}/parents\n${script}\n`)
  await chmod(join(folder, name), 0o755)
}
const parents = async () => (await readFile(join(folder, 'parents'), 'utf8')).trim().split('\n')

test('what is looked at again and again is started by one shell, after the first looks', async () => {
  await program('looks', 'echo "$# $1"; cat; echo said >&2; exit 2')
  for (let n = 0; n < 8; n += 1)
    expect(await tryLook('looks', ["it's $HOME", ''], { input: 'one\n two\n' })).toEqual({
      exitCode: 2,
      stdout: "2 it's $HOME\none\n two\n",
      stderr: 'said\n',
    })
  const [own, shell] = [String(process.pid), (await parents()).at(-1)]
  expect(shell).not.toBe(own)
  expect(new Set((await parents()).slice(3))).toEqual(new Set([shell]))
})

test('looks at the same time do not wait for each other, more than there are shells neither', async () => {
  await program('meets', `echo >>${folder}/met; until [ $(wc -l <${folder}/met) = 5 ]; do sleep 0.05; done`)
  await Promise.all(Array.from({ length: 5 }, () => runLook('meets', [], { timeoutMs: 60_000 })))
})

test('one that is missing, fails, or is too slow is told as any other program', async () => {
  for (let n = 0; n < 4; n += 1) await runLook('true', [])
  await expect(runLook('no-such-program', [])).rejects.toMatchObject({ code: 'tool-missing' })
  await program('fails', 'echo a >&2; echo why >&2; exit 1')
  await expect(runLook('fails', ['x'])).rejects.toMatchObject({
    code: 'command-failed',
    what: 'fails x',
    why: 'a; why',
  })
  await program('hangs', 'sleep 600')
  await expect(runLook('hangs', [], { timeoutMs: 500 })).rejects.toMatchObject({ code: 'command-timeout' })
  await expect(runLook('hangs', [], { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({
    code: 'command-failed',
    why: expect.stringContaining('aborted') as string,
  })
  expect(await runLook('echo', ['again'])).toMatchObject({ stdout: 'again\n' })
})

test('a shell reads a line as it was meant, whatever stands in it', async () => {
  await mkdir(join(folder, 'empty'))
  const word = string().map((text) => text.replaceAll(/[\n\0]/g, ' '))
  await assert(
    asyncProperty(array(word, { maxLength: 12 }), async (words) => {
      const line = shellLine('printf', ['%s|', ...words])
      expect(line).not.toContain('\n')
      const { stdout } = await tryCommand('env', ['-C', join(folder, 'empty'), 'sh', '-c', line])
      expect(stdout).toBe(words.length === 0 ? '|' : words.map((one) => `${one}|`).join(''))
    }),
    { numRuns: 5 },
  )
})
