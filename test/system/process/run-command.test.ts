import { describe, expect, test } from 'vitest'
import { runCommand, tryCommand } from '../../../system/process/run-command.ts'

const sh = (script: string): readonly [string, readonly string[]] => ['sh', ['-c', script]]

test('a program’s output, errors and status are told apart', async () => {
  expect(await tryCommand(...sh('echo out; echo err >&2; exit 3'))).toEqual({
    exitCode: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  })
})

test('a status other than 0 is a problem that has the program’s last words', async () => {
  const failure = runCommand(...sh('for i in 1 2 3 4 5; do echo line $i >&2; done; exit 1'))
  await expect(failure).rejects.toMatchObject({ code: 'command-failed', why: 'line 3; line 4; line 5' })
})

test('a program that fails without a word is told by its status', async () => {
  await expect(runCommand('false', [])).rejects.toMatchObject({ code: 'command-failed', why: 'it ended with status 1' })
})

test('a program that somebody kills is a problem, not an answer', async () => {
  await expect(tryCommand(...sh('kill -9 $$'))).rejects.toMatchObject({ code: 'command-failed' })
})

test('a program that is not there is a missing tool', async () => {
  await expect(tryCommand('homeward-has-no-such-tool', [])).rejects.toMatchObject({
    code: 'tool-missing',
    what: 'starting homeward-has-no-such-tool',
  })
})

test('arguments are what they are: no shell reads them', async () => {
  const tricky = '$(echo no) `echo no` "quoted" ; echo no * \\'
  expect((await runCommand('printf', ['%s', tricky])).stdout).toBe(tricky)
})

describe('standard input', () => {
  test('gets all of what is given, whatever its size', async () => {
    const input = 'äöü\n'.repeat(200_000)
    const { stdout } = await runCommand('cat', [], { input })
    expect(stdout === input).toBe(true)
  })

  test('is at its end when nothing is given', async () => {
    expect((await runCommand('cat', [])).stdout).toBe('')
  })

  test('may be left unread: the program’s status tells the story', async () => {
    expect((await tryCommand(...sh('exit 7'), { input: 'x'.repeat(1_000_000) })).exitCode).toBe(7)
  })

  test('never shows in a problem', async () => {
    const failure = await runCommand(...sh('exit 1'), { input: 'a secret' }).catch((thrown: unknown) => thrown)
    expect(JSON.stringify(failure) + String(failure)).not.toContain('a secret')
  })
})

describe('a program that hangs', () => {
  test('is killed when its time is over', async () => {
    const began = performance.now()
    const failure = runCommand('sleep', ['30'], { timeoutMs: 100 })
    await expect(failure).rejects.toMatchObject({ code: 'command-timeout', why: 'it did not end within 0.1 s' })
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  test('is not waited for when only a child of its own still holds the output', async () => {
    const began = performance.now()
    const failure = runCommand(...sh('sleep 25 & exec sleep 30'), { timeoutMs: 100 })
    await expect(failure).rejects.toMatchObject({ code: 'command-timeout' })
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  test('ends with the signal of whoever waits', async () => {
    const controller = new AbortController()
    const running = tryCommand('sleep', ['30'], { signal: controller.signal })
    controller.abort()
    await expect(running).rejects.toMatchObject({ name: 'Problem' })
    await expect(tryCommand('true', [], { signal: controller.signal })).rejects.toMatchObject({ name: 'Problem' })
  })
})

test('programs speak English and are found in sbin too', async () => {
  const { stdout } = await runCommand(...sh('echo "$LC_ALL $PATH"'))
  expect(stdout).toMatch(/^C .*:\/usr\/sbin:\/sbin\n$/)
})
