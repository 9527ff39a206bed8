import { expect, test } from 'vitest'
import { outgoingForwarding } from '../../../../agent/tunnel/plan/outgoing.ts'
import { UNKNOWN_UPLINK } from '../../../../agent/memory/uplink-memory.ts'
import type { Outgoing } from '../../../../protocol/publications.ts'
import { sampleRouter, sampleTunnel } from '../../sample-config.ts'

const mail = (address: string): Outgoing => ({ protocol: 'tcp', address, port: 25, lastPort: 25, targetPort: 2_525 })
const led = (outgoing: readonly Outgoing[], more: Partial<typeof sampleTunnel> = {}, visitors = true) =>
  outgoingForwarding({ ...sampleTunnel, ...more }, { ...UNKNOWN_UPLINK, outgoing: [...outgoing], visitors }, [
    '192.168.1.2',
  ])

test('hosts of the LAN are led by their own addresses, and known to the hub by those it gave', () => {
  const lan = { ...sampleTunnel.lan, seenAs: { '192.168.1.0/24': '10.168.1.0/24' } }
  expect(led([mail('10.168.1.20')], { lan })).toEqual({
    flows: [{ protocol: 'tcp', from: '192.168.1.20', seenAs: '10.168.1.20', port: 25, lastPort: 25, ownPort: 2_525 }],
    except: [],
  })
})

test.each(['10.86.0.2', '192.168.1.2'])('this machine itself by whichever of its addresses: %s', (address) => {
  const { flows, except } = led([mail(address)]) ?? { flows: [], except: [] }
  expect(flows).toMatchObject([{ from: null, seenAs: address }])
  // What tells a dead line from a dead hub goes by the line, and so does who looks at the hub from outside.
  expect(except).toEqual(expect.arrayContaining(['1.1.1.1', '9.9.9.9', '203.0.113.10']))
})

test('nothing is led of whom the LAN does not hold, whatever the hub says', () => {
  expect(led([mail('192.168.99.20'), mail('8.8.8.8')])).toBeNull()
})

test('nothing is led while nobody answers visitors, nor where the tunnel ends on a router', () => {
  expect(led([mail('192.168.1.20')], {}, false)).toBeNull()
  expect(led([mail('192.168.1.20')], { router: sampleRouter })).toBeNull()
})
