import { expect, test } from 'vitest'
import { entriesOf } from '../../../hub/core/forwarded-ports.ts'
import { outgoingOf, type PublicationInput } from '../../../hub/core/publications.ts'
import { EMPTY_DOCUMENT, type Home, type StoreDocument } from '../../../hub/core/store-document.ts'
import { add, cabin, codeOf, lodge, readable } from './given-publications.ts'

/** What a service itself sends. */

const able = { ...cabin, outgoing: true }
const homes: StoreDocument = { ...EMPTY_DOCUMENT, homes: [able, lodge] }
const mail = { port: 25, lastPort: 25, targetPort: 25, outgoing: true } as const
const refused = (document: StoreDocument, principal: Home, more: Partial<PublicationInput>): string => {
  try {
    add(document, principal, more)
  } catch (thrown) {
    return String(thrown)
  }
  return 'published'
}

test('leaves by the hub where the home says that it can; else it is refused with the reason', () => {
  const [after, mine] = add(homes, able, mail)
  expect(mine.outgoing).toBe(true)
  expect(readable(after)).toEqual(after)
  expect(outgoingOf(after, 'cabin')).toEqual([
    { protocol: 'tcp', port: 25, lastPort: 25, address: '192.168.1.20', targetPort: 25 },
  ])
  expect(outgoingOf(after, 'lodge')).toEqual([])
  expect(entriesOf(mine)).toMatchObject([{ port: 25, outgoing: true }])
  expect(refused(homes, lodge, { ...mail, address: '192.168.88.20' })).toMatch(/lodge does not say that it can/)
  const router = { ...able, outgoing: false }
  expect(refused({ ...homes, homes: [router] }, router, mail)).toMatch(/the tunnel of cabin ends on a router/)
  expect(codeOf(() => add({ ...homes, homes: [router] }, router, mail))).toBe('outgoing-refused')
  expect(refused({ ...homes, homes: [router] }, router, { ...mail, outgoing: false })).toBe('published')
})

test('is taken later, kept by whoever asks again without a word of it, and given up by who says so', () => {
  const [plain, before] = add(homes, able, { ...mail, outgoing: undefined, host: 'mail.lan' })
  const [sending, changed] = add(plain, able, mail)
  expect(changed).toEqual({ ...before, outgoing: true })
  expect(add(sending, able, { ...mail, outgoing: undefined })).toEqual([sending, changed])
  const [, moved] = add(sending, able, { ...mail, outgoing: undefined, host: 'mail.lan', address: '192.168.1.21' })
  expect(moved).toMatchObject({ address: '192.168.1.21', outgoing: true })
  expect(add(sending, able, { ...mail, outgoing: false })[1]).toEqual(before)
})

test('leaves from one port of the hub, and 32 publications of a home may have it', () => {
  const [after] = add(homes, able, mail)
  expect(refused(after, able, { ...mail, port: 20, lastPort: 24, targetPort: 22 })).toMatch(/leaves as 25\/tcp already/)
  expect(refused(after, able, { ...mail, protocol: 'udp' })).toBe('published')
  const many = Array.from({ length: 32 }, (_, index) => 1_000 + index).reduce(
    (document, port) => add(document, able, { ...mail, port, lastPort: port, targetPort: port })[0],
    homes,
  )
  expect(refused(many, able, mail)).toMatch(/32 such publications/)
})

test('does not, once the tunnel leads nowhere near it any more', () => {
  const [after] = add(homes, able, mail)
  expect(outgoingOf({ ...after, homes: [{ ...able, lan: ['192.168.5.0/24'] }] }, 'cabin')).toEqual([])
})
