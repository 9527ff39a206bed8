import { expect, test } from 'vitest'
import { installedAs } from '../../../cli/upgrade/installed.ts'

const PACKAGED = '/var/lib/dpkg/info/homeward.list'
const ENTRY = '/usr/bin/entry'

test.each([
  ['/usr/local/lib/homeward/dist/homeward.js', [], 'release'],
  ['/usr/lib/homeward/dist/homeward.js', [PACKAGED], 'package'],
  ['/usr/lib/homeward.before/dist/homeward.js', [PACKAGED], 'package'],
  ['/usr/lib/homeward/dist/homeward.js', [ENTRY], 'image'],
  ['/data/program/dist/homeward.js', [ENTRY], 'image'],
  ['/home/pi/homeward/dist/homeward.js', [], 'folder'],
  // A checkout on a machine that has the package too.
  ['/home/pi/homeward/dist/homeward.js', [PACKAGED], 'folder'],
])('%s with %j is of a %s', async (program, there, form) => {
  expect(await installedAs(program, async (path) => there.includes(path))).toBe(form)
})
