import { expect, test } from 'vitest'
import { requireHome, sealHome } from '../../../hub/core/sealing.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { EMPTY_DOCUMENT } from '../../../hub/core/store-document.ts'
import { joined, newKey, readable, reasonOf, refusal } from './some.ts'

const nobodys = { publicKey: newKey(), secretHash: hashOf('nobody’s') }

test('a home that is sealed keeps what it is, without the key and the secrets of its machine; others keep theirs', () => {
  const lodge = joined(EMPTY_DOCUMENT, 'lodge')
  const { document, home } = joined(lodge.document, 'cabin', ['192.168.1.0/24'])
  const told = { ...document, homes: [lodge.home, { ...home, nextSecretHash: hashOf('next') }] }
  expect(readable(sealHome(told, 'cabin', nobodys))).toEqual([
    { ...document, homes: [lodge.home, { ...home, ...nobodys }] },
    null,
  ])
})

test('a home that there is not is said, and nobody is thought to be safe', () => {
  const { document } = joined(EMPTY_DOCUMENT, 'lodge')
  expect(refusal(() => sealHome(document, 'cabin', nobodys))).toBe('home-missing')
  expect(reasonOf(() => requireHome(document, 'cabin')).why).toBe('the hub has no home cabin')
  expect(requireHome(document, 'lodge')).toBeUndefined()
})
