import { describe, expect, test } from 'vitest'
import { familyNotes, whyNoVisitors } from '../../../hub/machine/families.ts'

const machineWith =
  (...families: readonly (4 | 6)[]) =>
  async (address: string) =>
    families.includes(address.includes(':') ? 6 : 4) ? { own: address, theirs: address } : null

describe('a VPS', () => {
  test('gets visitors over IPv4 alone', async () => {
    expect(await whyNoVisitors(machineWith(4))).toBeNull()
    expect(await whyNoVisitors(machineWith(4, 6))).toBeNull()
    expect(await whyNoVisitors(machineWith(6))).toMatch(/^this VPS has no IPv4, and visitors/)
  })

  test.each([
    ['both, named by both', [4, 6], ['203.0.113.10', '2001:db8::10'], null],
    ['both, named by a name', [4, 6], ['vps.example.org'], null],
    ['both, named by IPv4', [4, 6], ['203.0.113.10'], /IPv6 only may not reach this hub: name its IPv6 address too/],
    ['both, named by IPv6', [4, 6], ['2001:db8::10'], /has no IPv6 cannot reach this hub: name its IPv4 address too/],
    ['IPv4', [4], ['203.0.113.10'], null],
    ['IPv6', [6], ['2001:db8::10'], /^this VPS has no IPv4: .* it publishes no ports$/],
    ['nothing', [], ['203.0.113.10'], null],
  ] as const)('with %s', async (_name, has, addresses, note) => {
    const notes = await familyNotes(addresses, machineWith(...has))
    expect(notes).toHaveLength(note === null ? 0 : 1)
    if (note !== null) expect(notes[0]).toMatch(note)
  })
})
