import { type Declared, TUNNEL_STEPS } from '../executing.ts'
import type { HostStep, KeyStep, TunnelStep } from '../step.ts'

/** The steps that are executed on this machine. */
export type LinuxStep = TunnelStep | KeyStep | HostStep

export const LINUX_STEPS = {
  ...TUNNEL_STEPS,
  'set-private-key': true,
  'set-route-mtu': true,
  'enable-forwarding': true,
  'disable-forwarding': true,
  'set-other-firewall': true,
  'lead-visitors': true,
  'unlead-visitors': true,
  'lead-exits': true,
  'loosen-reverse-path': true,
  'lead-own-ways': true,
  'change-published': true,
} as const satisfies Declared<LinuxStep>
