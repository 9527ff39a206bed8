import { expect, test } from 'vitest'
import { whyNot } from '../../../../adapters/openwrt/observe/packages.ts'
import { apk, type Feeds, opkg, type PackageState } from '../../../fake/openwrt/packages.ts'

const state = (feeds: Feeds, freeKib = 5_000): PackageState => ({
  feeds,
  freeKib,
  kernel: '6.6.110',
  hasLists: false,
  isInstalled: false,
})

/** As the adapter runs it: the second only when the first went well. */
function install(program: typeof opkg, with_: PackageState, verb: string): string {
  const update = program(['update'], with_)
  const said = update.code === 0 ? program([verb, 'wireguard-tools'], with_) : update
  return said.code === 0 ? 'installed' : (whyNot(`${said.stdout}${said.stderr}`)?.code ?? 'unknown')
}

test.each([
  ['installed', state('ok')],
  ['router-packages-unreachable', state('offline')],
  ['router-packages-unreachable', state('gone')],
  ['router-packages-mismatch', state('other-kernel')],
  ['router-flash-full', state('ok', 100)],
] as const)('opkg and apk: %s', (expected, given) => {
  expect(install(opkg, { ...given }, 'install')).toBe(expected)
  expect(install(apk, { ...given }, 'add')).toBe(expected)
})

test('words that nobody foresaw are passed on as they are', () => {
  expect(whyNot('the dog ate it')).toBeNull()
})
