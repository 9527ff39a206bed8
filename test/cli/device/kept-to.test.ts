import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { refuseUnkept } from '../../../cli/device/kept-to.ts'
import { AddDeviceAnswer } from '../../../protocol/messages.ts'
import { privateKeyFrom } from '../../../wireguard/keys.ts'
import { publicKeyOf } from '../../../wireguard/public-key.ts'

/** As the wire has it. */
const answer = (more: object) =>
  v.parse(AddDeviceAnswer, {
    name: 'viewer',
    address: '10.86.0.4',
    mtu: 1_280,
    endpoint: { address: '203.0.113.10', port: 51_820 },
    hubPublicKey: publicKeyOf(privateKeyFrom(randomBytes(32))),
    allowedIps: ['192.168.1.50/32'],
    keepaliveSeconds: 25,
    ...more,
  })

test('a device that is for some services is refused where the hub does not say that it is kept to them', () => {
  expect(() => refuseUnkept(answer({ services: 2 }), 2)).not.toThrow()
  // An older hub says nothing of them.
  expect(() => refuseUnkept(answer({}), null)).not.toThrow()
  expect(() => refuseUnkept(answer({}), 2)).toThrow(expect.objectContaining({ code: 'answer-invalid' }))
  expect(() => refuseUnkept(answer({ services: 1 }), 2)).toThrow(/would let the device into the whole LAN/)
})
