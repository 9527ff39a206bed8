import { describe, expect, test } from 'vitest'
import type { Evidence } from '../../../adapters/discovery/evidence.ts'
import { kindByPage, kindBySsh, sshBanner } from '../../../adapters/discovery/greeting.ts'
import { routersIn } from '../../../adapters/discovery/routers.ts'

const GATEWAY = '192.168.1.1'
const OTHER = '192.168.1.9'
const mndp = (address: string, platform: string | null = 'MikroTik'): Evidence => ({
  by: 'mndp',
  address,
  neighbour: { identity: 'attic', version: '7.18.2', platform, board: 'RB5009' },
})
const mdns = (address: string, ...texts: readonly string[]): Evidence => ({
  by: 'mdns',
  address,
  service: { instance: 'OpenWrt', texts },
})

describe('routers', () => {
  const kindsOf = (...evidence: readonly Evidence[]) =>
    routersIn(evidence, GATEWAY).map(({ address, kind }) => [address, kind])

  test('the gateway comes first, of no kind where it shows none', () => {
    expect(kindsOf(mndp(OTHER))).toEqual([
      [GATEWAY, null],
      [OTHER, 'mikrotik'],
    ])
    expect(kindsOf()).toEqual([[GATEWAY, null]])
  })

  test('without a gateway nobody is one', () => {
    expect(routersIn([], null)).toEqual([])
  })

  test('a MikroTik tells its name, its hardware and its version', () => {
    expect(routersIn([mndp(GATEWAY), { by: 'port', address: GATEWAY, port: 8729 }], GATEWAY)).toEqual([
      {
        address: GATEWAY,
        kind: 'mikrotik',
        isGateway: true,
        name: 'attic',
        model: 'RB5009, 7.18.2',
        signs: ['it tells of itself by MikroTik’s discovery', 'port 8729 of the RouterOS API is open'],
        ports: new Set([8729]),
      },
    ])
  })

  test('others that speak MikroTik’s discovery are none', () => {
    expect(kindsOf(mndp(OTHER, 'Mimosa'))).toEqual([[GATEWAY, null]])
  })

  test('OpenWrt is known by what its dropbear announces; a Pi that offers SSH is no router', () => {
    expect(kindsOf(mdns(OTHER, 'daemon=dropbear'), mdns('192.168.1.3'))).toEqual([
      [GATEWAY, null],
      [OTHER, 'openwrt'],
    ])
  })

  test('dropbear makes an OpenWrt of the gateway, and of nothing else', () => {
    const ssh = (address: string): Evidence => ({ by: 'ssh', address, banner: 'SSH-2.0-dropbear' })
    expect(kindsOf(ssh(GATEWAY), ssh(OTHER))).toEqual([[GATEWAY, 'openwrt']])
  })

  test('who shows two kinds is neither', () => {
    expect(kindsOf(mndp(GATEWAY), { by: 'page', address: GATEWAY, page: 'href="/cgi-bin/luci/"' })).toEqual([
      [GATEWAY, null],
    ])
  })

  test('a flood of neighbours is cut', () => {
    const many = Array.from({ length: 100 }, (_, at) => mndp(`10.0.0.${at}`))
    expect(routersIn(many, GATEWAY)).toHaveLength(8)
  })
})

describe('greetings', () => {
  test.each([
    ['SSH-2.0-dropbear\r\n', 'dropbear'],
    ['SSH-2.0-dropbear_2022.82\r\n', 'dropbear'],
    ['SSH-2.0-ROSSSH\r\n', 'mikrotik'],
    ['SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n', null],
  ])('%j is the SSH server of %s', (said, kind) => {
    expect(kindBySsh(sshBanner(said) ?? '')).toBe(kind)
  })

  test.each(['', 'HTTP/1.0 400 Bad Request\r\n', 'SSH-9.9-x', 'x SSH-2.0-dropbear', '\0'.repeat(10_000)])(
    '%j is no SSH server',
    (said) => {
      expect(sshBanner(said)).toBeNull()
    },
  )

  test.each([
    ['<meta http-equiv="refresh" content="0; URL=cgi-bin/luci/" />', 'openwrt'],
    ['HTTP/1.1 302 Found\r\nLocation: /cgi-bin/luci/\r\n', 'openwrt'],
    ['<title>LuCI - Lua Configuration Interface</title>', 'openwrt'],
    ['<title>RouterOS router configuration page</title>', 'mikrotik'],
    ['<title>RouterOS</title>', 'mikrotik'],
    ['<title>FRITZ!Box</title> about RouterOS', null],
    ['', null],
    [`<title ${'x'.repeat(100_000)}`, null],
  ])('the page %j is of %s', (page, kind) => {
    expect(kindByPage(page)).toBe(kind)
  })
})
