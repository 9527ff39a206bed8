import type { Observation } from '../../adapters/observation.ts'

/** A machine without anything of ours. */
export const UNTOUCHED: Observation = {
  interfaces: [],
  remains: [],
  foreignInterfaces: [],
  firewall: null,
  published: [],
  replaceable: [],
  forwarding: false,
  forwardingIsOurs: false,
  visitors: [],
  exits: { interface: null, devices: [] },
  networks: [],
  otherFirewalls: {},
  closedFirewalls: [],
  foreignMarks: [],
  strictReversePath: [],
  diversion: { specific: null, internet: { ipv4: null, ipv6: null }, addresses: [] },
  ownWays: [],
  clashes: [],
  warnings: [],
}
