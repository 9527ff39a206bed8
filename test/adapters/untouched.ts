import type { Observation } from '../../adapters/observation.ts'

/** A machine without anything of ours. */
export const UNTOUCHED: Observation = {
  interface: null,
  strayInterfaces: [],
  firewall: null,
  published: [],
  replaceable: [],
  forwarding: false,
  forwardingIsOurs: false,
  visitors: 'none',
  exits: [],
  otherFirewalls: {},
  closedFirewalls: [],
  clashes: [],
  warnings: [],
}
