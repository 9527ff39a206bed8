import { expect, test } from 'vitest'
import { versionOf } from '../../packaging/version.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'

test.each([
  ['the tag of the version', ['v1.2.0'], false, '1.2.0'],
  ['no tag', [], false, '1.2.0+g0123456789ab'],
  ['another tag', ['v1.1.0', 'nightly'], false, '1.2.0+g0123456789ab'],
  ['changes', [], true, '1.2.0+g0123456789ab.dirty'],
  ['the tag and changes', ['v1.2.0'], true, '1.2.0+g0123456789ab.dirty'],
])('with %s it is called so', (_, tags, dirty, version) => {
  expect(versionOf('1.2.0', { commit, tags, dirty })).toBe(version)
})
