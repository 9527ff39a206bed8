import { describe, expect, test } from 'vitest'
import { readGift } from '../../../hub/rights/gift.ts'
import { quotaIn, quotaOf, refuseBeyond } from '../../../hub/rights/quotas.ts'
import { DEFAULT_RIGHTS, requireRight, RIGHTS, rightsIn, rightsOf } from '../../../hub/rights/rights.ts'
import { reasonOf, refusal } from '../core/some.ts'

describe('rights', () => {
  test('of a home whose owner said nothing are the everyday ones', () => {
    expect(rightsOf({})).toEqual(['devices', 'publish'])
    expect(rightsOf({ may: [] })).toEqual([])
  })

  test.each(RIGHTS)('%s that is missing is named with the line that gives it', (right) => {
    const { why } = reasonOf(() => requireRight({ name: 'cabin', may: [] }, right, 'trying'))
    expect(why).toMatch(/^cabin may not .+\. The hub’s owner gives the right there: /)
    const line = `sudo homeward hub home cabin --may +${right}`
    expect(why.endsWith(line)).toBe(true)
    // The advice works.
    const may = rightsIn(`+${right}`, [])
    expect(may).toEqual([right])
    expect(() => requireRight({ name: 'cabin', may: may ?? [] }, right, 'trying')).not.toThrow()
  })

  test.each([
    ['publish', ['publish']],
    ['exit, publish', ['publish', 'exit']],
    ['+full', ['devices', 'publish', 'full']],
    ['+full,-devices', ['publish', 'full']],
    ['-publish', ['devices']],
    ['all', [...RIGHTS]],
    ['all,-exit', RIGHTS.filter((right) => right !== 'exit')],
    ['none', []],
    ['none,+lan', ['lan']],
  ])('are read from %s', (text, rights) => {
    expect(rightsIn(text, DEFAULT_RIGHTS)).toEqual(rights)
  })

  test.each(['', ',', 'root', '+', 'publish;full', 'publish-high', 'ALL'])('are not read from %j', (text) => {
    expect(rightsIn(text, DEFAULT_RIGHTS)).toBeNull()
    expect(refusal(() => readGift({}, { may: text, quota: null }, 'trying'))).toBe('wrong-usage')
  })
})

describe('a quota', () => {
  test('that the owner set counts, each by itself', () => {
    expect(quotaOf({ quota: { devices: 3 } })).toEqual({ ...quotaOf({}), devices: 3 })
    expect(quotaIn('ports=40000,devices=0', { prefixes: 2 })).toEqual({ prefixes: 2, ports: 40_000, devices: 0 })
  })

  test.each(['', 'devices', 'devices=', 'devices=-1', 'devices=1.5', 'phones=3', 'devices=99999999'])(
    'is not read from %j',
    (text) => {
      expect(quotaIn(text, {})).toBeNull()
      expect(refusal(() => readGift({}, { may: null, quota: text }, 'trying'))).toBe('wrong-usage')
    },
  )

  test('is used up to its last one, and the refusal names the line that allows more', () => {
    const cabin = { name: 'cabin', quota: { devices: 3 } }
    expect(refusal(() => refuseBeyond(cabin, 'devices', 3, 'trying'))).toBeUndefined()
    const { why } = reasonOf(() => refuseBeyond(cabin, 'devices', 4, 'trying'))
    expect(why).toMatch(/may have 3 devices, and this would make 4\. .*sudo homeward hub home cabin --quota devices=4$/)
    const quota = quotaIn('devices=4', cabin.quota) ?? {}
    expect(refusal(() => refuseBeyond({ ...cabin, quota }, 'devices', 4, 'trying'))).toBeUndefined()
  })
})
