import { expect, test } from 'vitest'
import { verdictOf } from '../../../hub/proving/verdict.ts'
import type { ProofLink } from '../../../protocol/publications.ts'

const link = (link: ProofLink['link'], works: boolean | null, said = `the ${link}`): ProofLink => ({
  link,
  works,
  said,
})

test('the first link that fails is the verdict, with its sentence', () => {
  expect(verdictOf([link('hub', true), link('tunnel', false)])).toEqual({
    kind: 'failing',
    link: 'tunnel',
    why: 'the tunnel',
  })
})

test('data from the service proves the way, whatever could not be told before it', () => {
  expect(verdictOf([link('hub', true), link('home', null), link('service', true)])).toEqual({ kind: 'proven' })
})

test('silence proves nothing', () => {
  expect(verdictOf([link('hub', true), link('service', null)])).toEqual({ kind: 'silent', why: 'the service' })
})

test('a way that was not followed to its end has no verdict', () => {
  expect(verdictOf([link('hub', true), link('tunnel', null)])).toBeNull()
  expect(verdictOf([])).toBeNull()
})

test('what a home sees from outside is not the hub’s', () => {
  expect(verdictOf([link('service', true), link('outside', false)])).toEqual({ kind: 'proven' })
})

test('a sentence is cut where it has no end', () => {
  const verdict = verdictOf([link('hub', false, 'x'.repeat(5_000))])
  expect(verdict).toMatchObject({ kind: 'failing' })
  expect(verdict).toHaveProperty('why.length', 400)
})
