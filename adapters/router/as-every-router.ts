import type { Observation } from '../observation.ts'

/**
 * The observation of any router, since it is not asked: only this project's own Linux machines route visitors and exits
 * by rules of their own.
 */
export const AS_EVERY_ROUTER = {
  // A router forwards; its owner may turn that off, but we may not.
  forwarding: true,
  forwardingIsOurs: false,
  published: [],
  replaceable: [],
  visitors: [],
  foreignMarks: [],
  strictReversePath: [],
  diversion: { specific: null, internet: { ipv4: null, ipv6: null }, addresses: [] },
  ownWays: [],
  exits: { interface: null, devices: [] },
  otherFirewalls: {},
  closedFirewalls: [],
} as const satisfies Partial<Observation>
