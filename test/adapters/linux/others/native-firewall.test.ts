import { describe, expect, test } from 'vitest'
import { nativeSteps, nativeText, parseNative } from '../../../../adapters/linux/others/native-firewall.ts'
import { NO_OTHERS } from '../../../../adapters/linux/others/other-firewall.ts'
import { hubForwarding } from '../../forwarding.ts'

const hub = {
  interface: 'hw0',
  listenPort: 51_820,
  address: '10.86.0.2',
  network: '10.86.0.0/16',
  visitorSlot: 0,
  forwarding: hubForwarding({ heartbeatPort: 8686 }),
} as const

const chain = (family: string, table: string, name: string, hook: string, policy = 'accept') => ({
  chain: { family, table, name, type: 'filter', hook, prio: 0, policy },
})
const rule = (family: string, table: string, chain: string, handle: number, more: object) => ({
  rule: { family, table, chain, handle, ...more },
})
const reject = { expr: [{ counter: { packets: 1, bytes: 2 } }, { reject: { type: 'icmpx' } }] }
const text = (...objects: readonly object[]): string => JSON.stringify({ nftables: [{ metainfo: {} }, ...objects] })

describe('tables of others', () => {
  test('that stop what they do not know are those with a policy, or a last rule, to that end', () => {
    const { strict } = parseNative(
      text(
        chain('inet', 'filter', 'forward', 'forward', 'drop'),
        chain('inet', 'firewalld', 'filter_INPUT', 'input'),
        rule('inet', 'firewalld', 'filter_INPUT', 3, { expr: [{ match: {} }, { accept: null }] }),
        rule('inet', 'firewalld', 'filter_INPUT', 4, reject),
        // Somebody is kept out, and the rest passes.
        chain('inet', 'f2b-table', 'f2b-chain', 'input'),
        rule('inet', 'f2b-table', 'f2b-chain', 5, { expr: [{ match: {} }, { reject: null }] }),
        chain('inet', 'homeward', 'forward', 'forward', 'drop'),
        chain('ip', 'filter', 'FORWARD', 'forward', 'drop'),
        chain('ip', 'mangle', 'out', 'output', 'drop'),
      ),
    )
    expect(strict).toEqual(['inet filter forward forward', 'inet firewalld filter_INPUT input'])
  })

  test('get rules for what the tunnel needs, which are found again, and taken out', () => {
    const listing = [chain('inet', 'filter', 'forward', 'forward', 'drop'), chain('ip6', 'six', 'in', 'input', 'drop')]
    const [step, ...more] = nativeSteps(parseNative(text(...listing)), [hub])
    expect(more).toEqual([])
    const lines = nativeText(step!).trim().split('\n')
    expect(lines.map((line) => line.replace(/ comment .*/, ''))).toEqual([
      'insert rule inet filter forward iifname "hw0" accept',
      'insert rule inet filter forward oifname "hw0" accept',
      'insert rule ip6 six in udp dport 51820 accept',
      'insert rule ip6 six in tcp dport 51820 accept',
      'insert rule ip6 six in udp dport 8687 accept',
    ])
    const added = lines.map((line, index) => {
      const [, , family = '', table = '', name = ''] = line.split(' ')
      const comment = /comment "(.*)"$/.exec(line)?.[1]
      return rule(family, table, name, 10 + index, { comment, expr: [{ accept: null }] })
    })
    const found = parseNative(text(...listing, ...added))
    expect(nativeSteps(found, [hub])).toEqual([])
    expect(nativeText(nativeSteps(found, [])[0]!)).toBe(
      [10, 11].map((handle) => `delete rule inet filter forward handle ${handle}\n`).join('') +
        [12, 13, 14].map((handle) => `delete rule ip6 six in handle ${handle}\n`).join(''),
    )
  })

  test('of which nft says what nobody foresaw are passed by', () => {
    const odd = [{ chain: { family: 'inet' } }, { rule: null }, { flowtable: { name: 'f' } }]
    const xt = rule('inet', 'filter', 'in', 7, { expr: [null, { xt: null }] })
    expect(parseNative(text(...odd, chain('inet', 'filter', 'in', 'input'), xt))).toEqual(NO_OTHERS.nftables)
  })

  test('that let everything pass are left alone', () => {
    expect(parseNative(text(chain('inet', 'filter', 'input', 'input')))).toEqual(NO_OTHERS.nftables)
  })
})
