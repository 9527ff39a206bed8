import { expect, test } from 'vitest'
import { makeGatheredHomes } from '../../../hub/service/gather-homes.ts'

const LONG_MS = 60_000

test('homes are answered when all of them wait and the hub has changed', async () => {
  const gathered = makeGatheredHomes()
  const said: string[] = []
  const gathering = gathered.gather(['cabin', 'lodge'], LONG_MS).then(() => said.push('gathered'))
  expect([gathered.isAwaited('cabin'), gathered.isAwaited('hut')]).toEqual([true, false])
  const cabin = gathered.hold('cabin').then(() => said.push('cabin'))
  expect(gathered.isAwaited('cabin')).toBe(false)
  // Not one of them, and one that asks again since its line lost the first answer.
  await gathered.hold('hut')
  await gathered.hold('cabin')
  expect(said).toEqual([])
  const lodge = gathered.hold('lodge').then(() => said.push('lodge'))
  await gathering
  expect(said).toEqual(['gathered'])
  gathered.release()
  await Promise.all([cabin, lodge])
  expect(said).toEqual(['gathered', 'cabin', 'lodge'])
})

test('one that does not ask is waited for so long and no longer; nobody is held before or after', async () => {
  const gathered = makeGatheredHomes()
  await gathered.hold('cabin')
  gathered.release()
  const cabin = gathered.gather(['cabin', 'lodge'], 20).then(() => 'over')
  const held = gathered.hold('cabin')
  expect(await cabin).toBe('over')
  gathered.release()
  await held
  await gathered.hold('lodge')
  await gathered.gather([], LONG_MS)
  gathered.release()
})
