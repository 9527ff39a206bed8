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

test('leaves beside what other hosts, other ports and other homes send, and what nobody sends by the hub', () => {
  const [after] = add(homes, able, mail)
  const range = { ...mail, port: 1_020, lastPort: 1_024 }
  expect(refused(after, able, { ...range, targetPort: 20 })).toBe('published')
  expect(refused(after, able, { ...range, targetPort: 26 })).toBe('published')
  for (const targetPort of [21, 23, 25])
    expect(refused(after, able, { ...range, targetPort })).toMatch(/leaves as 25\/tcp already/)
  const [ports] = add(homes, able, { ...range, targetPort: 21 })
  expect(refused(ports, able, { ...mail, port: 26, lastPort: 26 })).toMatch(/leaves as 1020-1024\/tcp already/)
  expect(refused(ports, able, { ...mail, port: 26, lastPort: 26, targetPort: 26 })).toBe('published')
  expect(refused(after, able, { ...mail, port: 26, lastPort: 26, address: '192.168.1.21' })).toBe('published')
  const [silent] = add(homes, able, { ...mail, outgoing: false })
  expect(refused(silent, able, { ...mail, port: 26, lastPort: 26 })).toBe('published')
  const busy = { ...lodge, outgoing: true }
  const [web] = after.publications
  const theirs = Array.from({ length: 32 }, (_, index) => ({ ...web, port: 1_000 + index, lastPort: 1_000 + index }))
  const full = { ...homes, homes: [able, busy], publications: theirs.map((one) => ({ ...one, home: 'lodge' })) }
  expect(refused(full as StoreDocument, able, { ...mail, targetPort: 26 })).toBe('published')
})

test('does not, once the tunnel leads nowhere near it any more', () => {
  const [after] = add(homes, able, mail)
  expect(outgoingOf({ ...after, homes: [{ ...able, lan: ['192.168.5.0/24'] }] }, 'cabin')).toEqual([])
})
