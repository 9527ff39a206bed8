import { expect, test } from 'vitest'
import type { GivenChannel } from '../../../alerts/settings/given-channels.ts'
import { makeGivenChannels } from '../../../hub/service/given-channels.ts'

const phone: GivenChannel = { name: 'phone', settings: { kind: 'ntfy', topic: 't' } }
const cabin = { name: 'cabin' }

test('a home is asked to register until it was told which channels there are now', () => {
  let now: readonly GivenChannel[] | null = []
  const given = makeGivenChannels(() => ({ givenToHomes: () => now }))
  expect(given.isNews(cabin)).toBe(false)
  now = [phone]
  expect(given.isNews(cabin)).toBe(true)
  expect(given.tell('cabin')).toEqual({ channels: [phone] })
  expect([given.isNews(cabin), given.isNews({ name: 'barn' })]).toEqual([false, true])
  now = []
  expect(given.isNews(cabin)).toBe(true)
  expect(given.tell('cabin')).toEqual({ channels: [] })
  expect(given.isNews(cabin)).toBe(false)
})

test('a hub that cannot read its alerts.yaml, or has no daemon, says nothing: homes keep what they have', () => {
  const unread = makeGivenChannels(() => ({ givenToHomes: () => null }))
  expect([unread.isNews(cabin), unread.tell('cabin')]).toEqual([false, {}])
  const none = makeGivenChannels(() => null)
  expect([none.isNews(cabin), none.tell('cabin')]).toEqual([false, {}])
})
