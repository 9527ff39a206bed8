import { expect, test } from 'vitest'
import type { PublishedPort } from '../../../../adapters/spec.ts'
import { outgoingElements } from '../../../../adapters/linux/firewall/hub-outgoing.ts'
import { parseNftTable } from '../../../../adapters/linux/firewall/nft-list.ts'

const service: PublishedPort = {
  protocol: 'udp',
  port: 27_016,
  address: '192.168.7.20',
  targetPort: 27_015,
  hidden: false,
}
const sending: PublishedPort = { ...service, outgoing: true }
const range: PublishedPort = { ...sending, port: 8_000, lastPort: 8_010, targetPort: 8_000 }

test('senders are held by the ports that they may send to, those that they may send from, and what these are here', () => {
  expect(Object.fromEntries(outgoingElements([service, sending, range]))).toEqual({
    outgoing_to: ['192.168.7.20 . udp . 27016', '192.168.7.20 . udp . 8000-8010'],
    outgoing_from: ['192.168.7.20 . udp . 27015', '192.168.7.20 . udp . 8000-8010'],
    outgoing_as: ['192.168.7.20 . udp . 27015 : 27016'],
  })
})

const at = (ports: unknown) => ({ concat: ['192.168.7.20', 'udp', ports] })

/** As nft 1.0.6 lists them. */
function listed(to: readonly unknown[], from: readonly unknown[], as: readonly unknown[]) {
  const set = (name: string, elem: readonly unknown[]) => ({ set: { family: 'inet', table: 'homeward', name, elem } })
  return parseNftTable(
    JSON.stringify({
      nftables: [
        set('udp_published', [27_016]),
        { map: { name: 'udp_services', elem: [[27_016, { concat: ['192.168.7.20', 27_015] }]] } },
        set('udp_published_ranges', [{ range: [8_000, 8_010] }]),
        { map: { name: 'udp_services_ranges', elem: [[{ range: [8_000, 8_010] }, '192.168.7.20']] } },
        set('outgoing_to', to),
        set('outgoing_from', from),
        { map: { name: 'outgoing_as', elem: as } },
      ],
    }),
  )
}

test('what the firewall holds is read back', () => {
  const held = [at(27_016), at({ range: [8_000, 8_010] })]
  const own = [at(27_015), at({ range: [8_000, 8_010] })]
  expect(listed(held, own, [[at(27_015), 27_016]]).published).toEqual([sending, range])
  expect(listed([], [], []).published).toEqual([service, { ...range, outgoing: undefined }])
})

test.each([
  ['one of the three is missing', [at(27_016)], [], [[at(27_015), 27_016]]],
  ['it has more than is published', [at(27_016), at(9)], [at(27_015)], [[at(27_015), 27_016]]],
  ['it leaves as another port', [at(27_016)], [at(27_015)], [[at(27_015), 9]]],
])('what does not agree is made again: %s', (_, to, from, as) => {
  expect(listed(to, from, as).published).toBeNull()
})
