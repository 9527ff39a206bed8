import { expect, test } from 'vitest'
import { iptablesSteps, iptablesText, parseIptables } from '../../../../adapters/linux/others/other-firewall.ts'
import { HOME, HUB } from './given-firewalls.ts'

/** As iptables-legacy-save 1.8.9 prints them. */
const saved = (table: string, ...rules: readonly string[]): string =>
  [`*${table}`, ':PREROUTING ACCEPT [0:0]', ...rules.map((rule) => `-A ${rule}`), 'COMMIT', ''].join('\n')
const FILTER = 'PREROUTING -m rpfilter --invert -j DROP'
const BLOCKED = 'PREROUTING -s 192.0.2.20/32 -j DROP'
const OURS = 'PREROUTING ! -s 10.86.0.0/16 -i hw0 -m comment --comment homeward -j ACCEPT'
const BODY = OURS.replace('PREROUTING ', '')

const planned = (text: string, tunnels = [HOME]) => {
  const [step] = iptablesSteps('iptables-legacy', parseIptables(text), tunnels)
  return step === undefined ? [] : [...step.add.map((rule) => `+ ${rule}`), ...step.remove.map((rule) => `- ${rule}`)]
}

test.each([
  ['right before the filter', saved('raw', BLOCKED, FILTER), [`+ -t raw PREROUTING 2 ${BODY}`]],
  ['in a chain of its owner’s', saved('mangle', 'RP -m rpfilter --invert -j DROP'), [`+ -t mangle RP 1 ${BODY}`]],
  ['before the first of several', saved('raw', FILTER, BLOCKED, FILTER), [`+ -t raw PREROUTING 1 ${BODY}`]],
  ['once', saved('raw', OURS, FILTER), []],
  [
    'again where a filter came before it',
    saved('raw', FILTER, OURS, FILTER),
    [`+ -t raw PREROUTING 1 ${BODY}`, `- -t raw PREROUTING ${BODY}`],
  ],
  ['and the second one goes', saved('raw', OURS, OURS, FILTER), [`- -t raw PREROUTING ${BODY}`]],
  ['until the filter is gone', saved('raw', OURS, BLOCKED), [`- -t raw PREROUTING ${BODY}`]],
  ['not for one that asks by the mark', saved('raw', 'PREROUTING -m rpfilter --validmark --invert -j DROP'), []],
  ['not for a loose one', saved('raw', 'PREROUTING -m rpfilter --loose --invert -j DROP'), []],
])('a filter of forged sources in the older iptables gets a rule %s', (_name, text, steps) => {
  expect(planned(text)).toEqual(steps)
})

test('a hub with exits needs it before one that asks by the mark too', () => {
  const both = saved('raw', 'PREROUTING -m rpfilter --validmark --invert -j DROP', FILTER)
  expect(planned(both, [HUB])).toEqual([`+ -t raw PREROUTING 1 ${BODY}`])
})

test('each table is changed in a transaction of its own, rules go before others come, and all go in the end', () => {
  const text = `${saved('filter', 'INPUT -j REJECT').replace(':PREROUTING', ':INPUT')}${saved('raw', FILTER, OURS)}`
  const [step] = iptablesSteps('iptables-legacy', parseIptables(text), [HOME])
  expect(iptablesText(step!).split('\n')).toEqual([
    '*raw',
    `-D ${OURS}`,
    `-I PREROUTING 1 ${BODY}`,
    'COMMIT',
    '*filter',
    expect.stringMatching(/^-I INPUT -i hw0 -m connmark --mark 0x860000\/0xff0000 /),
    'COMMIT',
    '',
  ])
  expect(planned(text, [])).toEqual([`- -t raw PREROUTING ${BODY}`])
})
