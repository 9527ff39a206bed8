import { expect, test } from 'vitest'
import type { Step } from '../../../adapters/step.ts'
import { stepFacts } from '../../../cli/home/step-facts.ts'
import { homeForwarding } from '../../adapters/forwarding.ts'

const tunnel = {
  interface: 'hw0',
  listenPort: 51_820,
  address: '10.86.0.2',
  network: '10.86.0.0/16',
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'routed' }),
}
const firewall = { kind: 'set-firewall', forwardingWasOff: false, replaces: null } as const

test('steps have the keys that scripts knew when a machine had one tunnel', () => {
  const steps: readonly Step[] = [
    { kind: 'arm-rollback', interfaces: ['hw0'], seconds: 90 },
    { ...firewall, tunnels: [{ ...tunnel, visitorSlot: 0 }] },
    { kind: 'bring-up', interface: 'hw0' },
    { kind: 'activate-changes' },
    { kind: 'keep-changes' },
  ]
  expect(stepFacts(steps)).toEqual([
    { kind: 'arm-rollback', interface: 'hw0', interfaces: ['hw0'], seconds: 90 },
    { ...firewall, ...tunnel, tunnels: [{ ...tunnel, visitorSlot: 0 }] },
    { kind: 'bring-up', interface: 'hw0' },
    { kind: 'activate-changes', interface: 'hw0' },
    { kind: 'keep-changes', interface: 'hw0' },
  ])
})
