import { describe, expect, test } from 'vitest'
import { give } from '../../../hub/core/given.ts'
import { invite } from '../../../hub/core/invitation.ts'
import { join } from '../../../hub/core/joining.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { EMPTY_DOCUMENT, homeNamed, type StoreDocument } from '../../../hub/core/store-document.ts'
import { context, HOUR, hubKey, invited, joined, newSecret, now, readable, reasonOf, refusal, request } from './some.ts'

const networks = (count: number): string[] => Array.from({ length: count }, (_, index) => `192.168.${index + 1}.0/24`)

/** A home of that name joins with what its invitation names, saying this LAN. */
function joining(
  document: StoreDocument,
  home: string,
  gift: { readonly may?: string; readonly quota?: string },
  lan: readonly string[] = [],
) {
  const secret = newSecret()
  const [open] = invite(document, { home, lan: [], expiresInMs: HOUR, ...gift }, hashOf(secret), context)
  return readable(join(open, request(secret, { lan: [...lan] }), hubKey, context))[1].home
}

describe('what the owner gave', () => {
  test('with the invitation, the home has', () => {
    expect(joining(EMPTY_DOCUMENT, 'cabin', { may: 'exit', quota: 'ports=10' })).toMatchObject({
      may: ['exit'],
      quota: { ports: 10 },
    })
  })

  test('to the home that was there before, it has again, unless the invitation says otherwise', () => {
    const { document } = joined(EMPTY_DOCUMENT, 'cabin')
    const [given] = give(document, 'cabin', { may: 'exit', quota: 'ports=10' }, now)
    expect(joining(given, 'cabin', {})).toMatchObject({ may: ['exit'], quota: { ports: 10 } })
    expect(joining(given, 'cabin', { may: 'full', quota: 'ports=20' })).toMatchObject({
      may: ['full'],
      quota: { ports: 20 },
    })
  })

  test('to nobody, is not in the store: the default may be another one in the next version', () => {
    const home = joining(EMPTY_DOCUMENT, 'cabin', {})
    expect(Object.keys(home)).not.toContain('may')
    expect(Object.keys(home)).not.toContain('quota')
  })
})

describe('the LAN of a join', () => {
  test('that is of too many networks is refused for that, whatever the home may', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin')
    expect(refusal(() => join(document, request(secret, { lan: networks(33) }), hubKey, context))).toBe('lan-too-many')
  })

  test('stays within the quota, and the refusal says how the owner allows more', () => {
    expect(joining(EMPTY_DOCUMENT, 'cabin', { may: '+lan' }, networks(8)).lan).toHaveLength(8)
    const beyond = reasonOf(() => joining(EMPTY_DOCUMENT, 'cabin', { may: '+lan' }, networks(9)))
    expect(beyond.why).toMatch(/^cabin may have 8 networks, and this would make 9\./)
    expect(beyond.why).toContain('homeward hub home cabin --quota prefixes=9')
  })

  test('of an invitation from before there were rights is granted', () => {
    const { document, secret } = invited(EMPTY_DOCUMENT, 'cabin', networks(2))
    const invites = document.invites.map((one) => ({ ...one, granted: undefined }))
    const [, { home }] = readable(join({ ...document, invites }, request(secret), hubKey, context))
    expect(home).toMatchObject({ lan: networks(2), granted: networks(2) })
  })

  test('that a home had by its right alone is not granted to whoever joins without that right', () => {
    const { document } = joined(EMPTY_DOCUMENT, 'cabin')
    const home = { ...homeNamed(document, 'cabin')!, lan: networks(1) }
    const before = { ...document, homes: [home] }
    expect(joining(before, 'cabin', {}, ['192.168.9.0/24']).granted).toEqual(['192.168.9.0/24'])
    expect(refusal(() => joining(before, 'cabin', {}, networks(2)))).toBe('right-missing')
  })
})
