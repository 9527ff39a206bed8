import type { Observation } from '../observation.ts'

/** What every router is found to be, since it is not asked: only this project's own Linux machines lead visitors and exits by rules of their own. */
export const AS_EVERY_ROUTER = {
  // A router forwards; its owner may turn that off, but not we.
  forwarding: true,
  forwardingIsOurs: false,
  published: [],
  replaceable: [],
  visitors: [],
  exits: { interface: null, devices: [] },
  otherFirewalls: {},
  closedFirewalls: [],
} as const satisfies Partial<Observation>
