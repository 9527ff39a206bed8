import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeFailure } from '../../problems/write-failure.ts'

/** The message of what failed while a file was written. */
async function messageOf(path: string): Promise<string> {
  return await writeFile(path, 'x').then(
    () => 'written',
    (thrown: unknown) => writeFailure(`writing ${path}`, path, thrown).message,
  )
}

test('a folder that is not there is what is said to be missing', async () => {
  expect(await messageOf('/nonexistent/x.conf')).toBe(
    'writing /nonexistent/x.conf failed: there is no folder /nonexistent (ENOENT). Make the folder, or name another one.',
  )
})

test('a file where a folder should be is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-write-failure-'))
  await writeFile(join(folder, 'file'), '')
  expect(await messageOf(join(folder, 'file', 'x.conf'))).toContain(
    `failed: ${folder}/file is no folder (ENOTDIR). Name`,
  )
  await rm(folder, { recursive: true })
})

test.each([
  ['ENOSPC', 'no space is left on the disk (ENOSPC). Free some space'],
  ['EDQUOT', 'no space is left on the disk (EDQUOT). Free some space'],
  ['EROFS', 'the disk is read-only (EROFS). Mount it for writing'],
  ['EACCES', 'this user may not write in /srv (EACCES). Run it again with sudo'],
  ['EPERM', 'this user may not write in /srv (EPERM). Run it again with sudo'],
])('%s has its reason and its own next step', (code, said) => {
  const thrown = Object.assign(new Error(`${code}: in the words of libuv`), { code })
  expect(writeFailure('writing /srv/x', '/srv/x', thrown)).toMatchObject({
    code: 'write-failed',
    cause: thrown,
    message: expect.stringContaining(`writing /srv/x failed: ${said}`),
  })
})

test('what is not known keeps its own words, and the next step of all such problems', () => {
  const { message } = writeFailure('writing /srv/x', '/srv/x', new Error('EIO: i/o error, write'))
  expect(message).toMatch(/^writing \/srv\/x failed: EIO: i\/o error, write\. Check the free space/)
  expect(writeFailure('writing x', 'x', null).message).toContain('failed: null.')
})
