import { expect, test } from 'vitest'
import type { Snapshot } from '../../../../adapters/mikrotik/rollback/snapshot.ts'
import { quote, undoScript } from '../../../../adapters/mikrotik/rollback/undo-script.ts'

const NOTHING: Snapshot = { interface: [], peer: [], address: [], route: [], filter: [], nat: [], mangle: [] }

test('where nothing of ours was, all of ours goes, the interface last', () => {
  expect(undoScript(['hw0'], NOTHING).split('\n')).toEqual([
    ':do {/interface/wireguard/peers/remove [find where comment="homeward hw0"]} on-error={}',
    ':do {/ip/address/remove [find where comment="homeward hw0"]} on-error={}',
    ':do {/ip/route/remove [find where comment~"^homeward hw0 "]} on-error={}',
    ':do {/ip/firewall/filter/remove [find where comment~"^homeward hw0 "]} on-error={}',
    ':do {/ip/firewall/nat/remove [find where comment~"^homeward hw0 "]} on-error={}',
    ':do {/ip/firewall/mangle/remove [find where comment~"^homeward hw0 "]} on-error={}',
    ':do {/interface/wireguard/remove [find where comment="homeward hw0"]} on-error={}',
  ])
})

test('an interface that was there is set, never removed, and rules stand again where they stood', () => {
  const lines = undoScript(['hw0'], {
    ...NOTHING,
    interface: [{ key: 'KEY=', attributes: { name: 'hw0', mtu: '1420', disabled: 'false' }, before: null }],
    route: [
      {
        key: 'homeward hw0 network x',
        attributes: {
          'dst-address': '10.86.0.0/16',
          blackhole: 'true',
          gateway: '',
          comment: 'homeward hw0 network x',
        },
        before: null,
      },
    ],
    mangle: [
      {
        key: 'homeward hw0 mss-in',
        attributes: { chain: 'forward', passthrough: 'true', comment: 'homeward hw0 mss-in' },
        before: '*B',
      },
    ],
  }).split('\n')
  expect(lines).toContain(
    ':do {/interface/wireguard/remove [find where comment="homeward hw0" and public-key!="KEY="]} on-error={}',
  )
  expect(lines).toContain(
    ':do {/interface/wireguard/set [find where public-key="KEY="] name="hw0" mtu="1420" disabled=no} on-error={}',
  )
  expect(lines).toContain(
    ':do {/ip/firewall/mangle/add chain="forward" passthrough=yes comment="homeward hw0 mss-in" place-before=*B} on-error={}',
  )
  expect(lines.filter((line) => line.includes('/ip/route/add'))).toEqual([
    ':do {:if ([:len [/ip/route/find where comment="homeward hw0 network x"]] = 0) do={/ip/route/add dst-address="10.86.0.0/16" comment="homeward hw0 network x" blackhole}} on-error={}',
  ])
})

test('what an owner wrote into a comment of ours runs nothing', () => {
  expect(quote('a"; /system/reset $x \\')).toBe('"a\\"; /system/reset \\$x \\\\"')
})
