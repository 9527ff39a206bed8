import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newDeviceKeys, withDeviceFile } from '../../../cli/device/device-file.ts'

/** Somebody without rights who calls sudo, and a folder of root's. */
const PERSON = 4_711
let folder: string
let theirs: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  await chmod(folder, 0o755)
  theirs = join(folder, 'theirs')
  await mkdir(theirs)
  await chown(theirs, PERSON, PERSON)
  process.env['SUDO_UID'] = String(PERSON)
})
afterEach(async () => {
  delete process.env['SUDO_UID']
  await rm(folder, { recursive: true })
})

const make = (conf: string): Promise<void> =>
  withDeviceFile('phone', newDeviceKeys(), { conf, dns: [] }, 'adding phone', async () => undefined)

const isRoot = process.getuid?.() === 0

test.runIf(isRoot)(
  'the file is whose folder it is in, when they called sudo, and for nobody else to read',
  async () => {
    await make(join(theirs, 'phone.conf'))
    const { uid, gid, mode } = await stat(join(theirs, 'phone.conf'))
    expect([uid, gid, mode & 0o777]).toEqual([PERSON, PERSON, 0o600])
  },
)

test.runIf(isRoot)('in another folder it stays root’s, also where a link of theirs leads there', async () => {
  const roots = join(folder, 'profile.d')
  await mkdir(roots)
  await symlink(roots, join(theirs, 'out'))
  await make(join(theirs, 'out', 'phone.conf'))
  expect((await stat(join(roots, 'phone.conf'))).uid).toBe(0)
})

test.runIf(isRoot)('a link in the place of the file is not followed', async () => {
  await symlink(join(folder, 'elsewhere'), join(theirs, 'phone.conf'))
  await expect(make(join(theirs, 'phone.conf'))).rejects.toMatchObject({ code: 'file-exists' })
  expect(await readdir(folder)).toEqual(['theirs'])
})

test.runIf(isRoot)('without sudo, or by another person, it is root’s', async () => {
  process.env['SUDO_UID'] = '4712'
  await make(join(theirs, 'a.conf'))
  delete process.env['SUDO_UID']
  await make(join(theirs, 'b.conf'))
  expect([(await stat(join(theirs, 'a.conf'))).uid, (await stat(join(theirs, 'b.conf'))).uid]).toEqual([0, 0])
})
