import { expect, test } from 'vitest'
import { targetsFor } from '../../../agent/probes/reachability-targets.ts'
import { REACHABILITY_TARGETS } from '../../../agent/settings/config.ts'

const [IPV4, IPV6] = [
  ['1.1.1.1:443', '9.9.9.9:443'],
  ['[2606:4700:4700::1111]:443', '[2620:fe::fe]:443'],
]

test.each([
  ['IPv4', ['203.0.113.10'], IPV4],
  ['IPv6', ['2001:db8::10'], IPV6],
  ['both', ['203.0.113.10', '2001:db8::10'], REACHABILITY_TARGETS],
  ['unknown addresses', [], REACHABILITY_TARGETS],
])('a hub with %s is told from a dead line by those of its family', (_name, hub, targets) => {
  expect(targetsFor(REACHABILITY_TARGETS, hub)).toEqual(targets)
})

test('an agent.yaml from before has the targets of both families', () => {
  expect(targetsFor(['1.1.1.1:443', '9.9.9.9:443'], ['2001:db8::10'])).toEqual(IPV6)
})

test('chosen ones are nobody else’s: without one of the hub’s family nothing is asked, and nobody accused', () => {
  expect(targetsFor(['192.0.2.1:443'], ['203.0.113.10'])).toEqual(['192.0.2.1:443'])
  expect(targetsFor(['192.0.2.1:443'], ['2001:db8::10'])).toEqual([])
  expect(targetsFor([], ['2001:db8::10'])).toEqual([])
})
