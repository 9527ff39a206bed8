import { expect, test } from 'vitest'
import { refuseElsewhere, refuseNone, refuseOther } from '../../../cli/upgrade/refusals.ts'

const problemOf = (act: () => unknown): unknown => {
  try {
    act()
    return null
  } catch (thrown) {
    return thrown
  }
}
const codeOf = (act: () => unknown): unknown => (problemOf(act) as { readonly code: string } | null)?.code
const saidBy = (act: () => unknown): string =>
  (problemOf(act) as { readonly message: string } | null)?.message ?? 'nothing'

test('a container and a checkout are upgraded where they come from', () => {
  expect(saidBy(() => refuseElsewhere('release', ''))).toBe('nothing')
  expect(saidBy(() => refuseElsewhere('package', ''))).toBe('nothing')
  expect(codeOf(() => refuseElsewhere('image', ''))).toBe('upgrade-elsewhere')
  expect(saidBy(() => refuseElsewhere('image', ''))).toMatch(/this is a container.*On the host load.*Home Assistant/)
  expect(saidBy(() => refuseElsewhere('folder', '/home/pi/homeward/dist/homeward.js'))).toMatch(
    /runs from the folder of \/home\/pi\/homeward\/dist\/homeward\.js.*git pull/,
  )
})

test('a package comes in the place of a package, and a release in that of a release', () => {
  expect(saidBy(() => refuseOther('package', './homeward_0.2.0_amd64.deb'))).toBe('nothing')
  expect(saidBy(() => refuseOther('release', '/opt/homeward-0.2.0'))).toBe('nothing')
  expect(saidBy(() => refuseOther('package', null))).toBe('nothing')
  expect(codeOf(() => refuseOther('package', '/opt/homeward-0.2.0'))).toBe('wrong-usage')
  expect(saidBy(() => refuseOther('package', '/opt/homeward-0.2.0'))).toMatch(/installed here as a package\. /)
  expect(saidBy(() => refuseOther('release', './homeward_0.2.0_amd64.deb'))).toMatch(/by install\.sh\. /)
})

test('where nothing is offered the reason is said, and what can be done', () => {
  expect(refuseNone({ offered: '0.2.0', why: 'there' })).toEqual({ offered: '0.2.0', why: 'there' })
  expect(codeOf(() => refuseNone({ offered: null, why: 'x' }))).toBe('nothing-offered')
  expect(saidBy(() => refuseNone({ offered: null, why: 'no releases are published yet' }))).toMatch(
    /: no releases are published yet\. Name a release that you have: homeward upgrade FILE/,
  )
})
