import { array, assert, constantFrom, property } from 'fast-check'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import {
  begin,
  breakWith,
  cancel,
  change,
  type HandOver,
  HandOverSchema,
  isDue,
  newestCertificate,
  type NextIdentity,
  noHandOver,
  notFollowing,
  refuseLeavingBehind,
  standingOf,
  toldSuccessions,
} from '../../../hub/core/hand-over.ts'
import { EMPTY_DOCUMENT, type Home } from '../../../hub/core/store-document.ts'
import { MOST_SUCCESSIONS } from '../../../protocol/succession.ts'
import { joined, later, newKey, now, reasonOf, refusal } from './some.ts'

const FIRST = '0f'.repeat(32)
const next = (digit: string): NextIdentity => {
  const certificate = digit.repeat(64)
  const signature = 'AAAA'
  const succession = { certificate: 'AAAA', next: 'BBBB', keyHash: certificate, signature, acceptance: signature }
  return { certificate, publicKey: newKey(), succession }
}
const none = noHandOver({ certificate: FIRST, publicKey: newKey() })
const a = next('a')
const announced = begin(none, a, false, now)
const home = (name: string, trusts?: string): Home => ({
  ...joined(EMPTY_DOCUMENT, name).home,
  ...(trusts === undefined ? {} : { trusts }),
})

describe('the change of the hub’s identity', () => {
  test('is announced, and takes the place of the present one', () => {
    expect(newestCertificate(none)).toBe(FIRST)
    expect(announced).toMatchObject({ present: null, next: { certificate: a.certificate, leavesBehind: false } })
    expect(newestCertificate(announced)).toBe(a.certificate)
    expect(toldSuccessions(announced)).toEqual([a.succession])
    const changed = change(announced, later(1_000).now)
    expect(changed).toEqual({
      ...none,
      present: { certificate: a.certificate, publicKey: a.publicKey, since: later(1_000).now.toISOString() },
      successions: [a.succession],
    })
    expect(newestCertificate(changed)).toBe(a.certificate)
    expect(toldSuccessions(changed)).toEqual([a.succession])
    expect(change(changed, later(2_000).now)).toBe(changed)
  })

  test('announced again is the same one; only who is waited for changes', () => {
    expect(begin(announced, next('b'), true, later(5_000).now)).toEqual({
      ...announced,
      next: { ...announced.next, leavesBehind: true },
    })
  })

  test('is cancelled as if it had not been, and not twice', () => {
    expect(cancel(announced)).toEqual(none)
    expect(refusal(() => cancel(none))).toBe('no-hand-over')
  })

  test('after a theft leads from nowhere, the announced one neither', () => {
    const b = next('b')
    const broken = breakWith(change(announced, now), b, now)
    expect(broken).toMatchObject({ present: { certificate: b.certificate }, successions: [], next: null })
    expect(breakWith(announced, b, now).next).toBeNull()
  })

  test('keeps as much of what leads to it as may be told', () => {
    let at = none
    for (let times = 0; times < MOST_SUCCESSIONS + 3; times += 1) at = change(begin(at, next('c'), false, now), now)
    expect(at.successions).toHaveLength(MOST_SUCCESSIONS - 1)
    expect(toldSuccessions(begin(at, a, false, now))).toHaveLength(MOST_SUCCESSIONS)
    expect(toldSuccessions(begin(at, a, false, now)).at(-1)).toBe(a.succession)
    const isRead = (successions: HandOver['successions']) => v.safeParse(HandOverSchema, { ...at, successions }).success
    expect([isRead(at.successions), isRead([...at.successions, a.succession])]).toEqual([true, false])
  })
})

describe('a home', () => {
  test('has confirmed, can follow, or is too old', () => {
    expect(standingOf(home('cabin', a.certificate), a.certificate)).toBe('confirmed')
    expect(standingOf(home('cabin', FIRST), a.certificate)).toBe('waiting')
    expect(standingOf(home('cabin'), a.certificate)).toBe('older')
  })

  test('is waited for until it has confirmed; one that is too old until its owner says otherwise', () => {
    const [confirmed, waiting, older] = [home('a', a.certificate), home('b', FIRST), home('c')]
    const leaving = begin(none, a, true, now)
    expect(isDue(none, { homes: [] })).toBe(false)
    expect(isDue(announced, { homes: [] })).toBe(true)
    expect(isDue(announced, { homes: [confirmed] })).toBe(true)
    expect(isDue(announced, { homes: [confirmed, waiting] })).toBe(false)
    expect(isDue(announced, { homes: [confirmed, older] })).toBe(false)
    expect(isDue(leaving, { homes: [confirmed, older] })).toBe(true)
    expect(isDue(leaving, { homes: [waiting, older] })).toBe(false)
  })

  test('that is too old is named before it is cut off', () => {
    const homes = [home('cabin', FIRST), home('lodge'), home('hut')]
    const said = reasonOf(() => refuseLeavingBehind({ homes }, false, 'changing the hub’s key'))
    expect(said.why).toContain('lodge, hut would be cut off: their agents are of an older version')
    expect(reasonOf(() => refuseLeavingBehind({ homes: [home('hut')] }, false, 'x')).why).toContain('its agent is')
    expect(refusal(() => refuseLeavingBehind({ homes }, true, 'x'))).toBeUndefined()
    expect(refusal(() => refuseLeavingBehind({ homes: [home('cabin', FIRST)] }, false, 'x'))).toBeUndefined()
  })

  test('that was there before, and does not trust the present one, has not followed', () => {
    const changed = change(announced, later(1_000).now)
    const young = { ...home('hut', 'ee'.repeat(32)), joinedAt: later(2_000).now.toISOString() }
    const inThatMoment = { ...young, name: 'barn', joinedAt: later(1_000).now.toISOString() }
    const homes = [home('cabin', a.certificate), home('lodge', FIRST), home('old'), young, inThatMoment]
    expect(notFollowing(changed, { homes }).map(({ name }) => name)).toEqual(['lodge', 'old'])
    expect(notFollowing(none, { homes })).toEqual([])
  })
})

test('whatever is asked in whatever order, the document can be read again, and changes only to what was announced', () => {
  const acts = array(constantFrom('begin', 'leave', 'cancel', 'change', 'break'), { maxLength: 60 })
  assert(
    property(acts, (order) => {
      let at = none
      for (const act of order) {
        const before = at
        if (act === 'begin' || act === 'leave') at = begin(at, next('d'), act === 'leave', now)
        else if (act === 'cancel') at = at.next === null ? at : cancel(at)
        else if (act === 'change') at = change(at, now)
        else at = breakWith(at, next('e'), now)
        // Cut off here, this is what is read at the next start.
        const read = v.parse(HandOverSchema, JSON.parse(JSON.stringify(at)))
        expect(read).toEqual(at)
        at = read
        const isOther = at.present?.publicKey !== before.present?.publicKey
        if (isOther && act !== 'break') expect(at.present?.publicKey).toBe(before.next?.publicKey)
        if (act === 'change' || act === 'break') expect(at.next).toBeNull()
      }
    }),
  )
})
