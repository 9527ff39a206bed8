import { expect, test } from 'vitest'
import { isOnInternet } from '../../net/on-internet.ts'

test.each(['9.9.9.9', '168.119.0.1', '2a01:4f8::1', '64:ff9b::909:909'])('%s leads out', (address) =>
  expect(isOnInternet(address)).toBe(true),
)

test.each([
  '127.0.0.1',
  '0.0.0.0',
  '0.1.2.3',
  '10.86.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '169.254.169.254',
  '224.0.0.1',
  '255.255.255.255',
  '240.0.0.1',
  // What machines of Oracle and Azure ask for their own data.
  '192.0.0.192',
  '168.63.129.16',
  '64:ff9b::a83f:8110',
  '::1',
  '::',
  'fe80::1',
  'fd00::1',
  'fec0::1',
  'ff02::1',
  '::ffff:192.168.1.1',
  '::192.168.1.1',
  // By NAT64, 6to4 and Teredo, which have an IPv4 address inside.
  '64:ff9b::c0a8:101',
  '2002:c0a8:101::1',
  '2001::1',
  'fe80::1%eth0',
  'localhost',
  '',
])('%s does not', (address) => expect(isOnInternet(address)).toBe(false))
