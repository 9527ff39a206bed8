import { describe, expect, test } from 'vitest'
import { afterLook, isTrouble, type OwnFileState, ownFileWarning } from '../../../hub/own-files/own-file.ts'

const STATES: Readonly<Record<OwnFileState['kind'], OwnFileState>> = {
  whole: { kind: 'whole' },
  restored: { kind: 'restored', was: 'damaged' },
  copied: { kind: 'copied', copy: '/state/hub.key' },
  exposed: { kind: 'exposed' },
  another: { kind: 'another' },
  lost: { kind: 'lost', why: 'there is no room' },
}
const said = (state: OwnFileState, of: 'keys' | 'store' = 'keys') =>
  ownFileWarning({ path: '/config/hub.key', of }, state)

test('what was restored stays said though the file is whole, and nothing else does', () => {
  const { whole, restored, copied, lost } = STATES
  expect(afterLook(restored, whole)).toEqual(restored)
  expect(afterLook(restored, lost)).toEqual(lost)
  for (const before of [copied, lost, whole]) expect(afterLook(before, whole)).toEqual(whole)
})

test('people are told at once of a file that is lost, or open to others', () => {
  expect(Object.values(STATES).filter(isTrouble)).toEqual([STATES.exposed, STATES.lost])
})

describe('status says', () => {
  test('nothing of a whole file, and of each other one what to do', () => {
    expect(said(STATES.whole)).toBeNull()
    expect(said(STATES.restored)).toMatch(/hub\.key was damaged, and was written again .* disk .* failing$/)
    expect(said({ kind: 'restored', was: 'exposed' })).toMatch(/could read \S+hub\.key, .* has the secrets in it$/)
    expect(said(STATES.copied)).toMatch(/is damaged; .* sudo cp -p \/state\/hub\.key \/config\/hub\.key$/)
    expect(said(STATES.exposed)).toContain('sudo chmod 600 /config/hub.key.')
    expect(said(STATES.lost)).toMatch(/\(there is no room\): no home and no device knows this hub .* within the hour$/)
  })

  test('of the store what it means there', () => {
    expect(said(STATES.lost, 'store')).toContain('this hub cannot be started again')
    expect(said(STATES.another, 'store')).toContain('sudo systemctl restart homeward-hub')
    expect(said(STATES.another)).toContain('holds another key')
  })
})
