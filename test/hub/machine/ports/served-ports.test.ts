import { expect, test } from 'vitest'
import { freeAlternatePorts, portsIn } from '../../../../hub/machine/ports/served-ports.ts'

const HEAD = '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'

test('ports that are answered from outside are seen; loopback and connected sockets are nobody’s service', () => {
  const table = [
    HEAD,
    '  10: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0',
    '  11: 3500007F:1194 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0',
    '  12: 0A7100CB:CA6C 0A7100CB:01BB 01 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0',
    '',
  ].join('\n')
  expect(portsIn(table)).toEqual([53])
})

test('the same for IPv6, where an IPv4 loopback may hide', () => {
  const table = [
    HEAD,
    ' 1: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 07',
    ' 2: 00000000000000000000000001000000:1000 00000000000000000000000000000000:0000 07',
    ' 3: 0000000000000000FFFF00000100007F:1001 00000000000000000000000000000000:0000 07',
  ].join('\n')
  expect(portsIn(table)).toEqual([443])
})

test('an alternate port that another program has is left to it', () => {
  expect(freeAlternatePorts({ port: 443, alternatePorts: [4500, 443, 53] }, new Set([53, 80]))).toEqual([4500])
})
