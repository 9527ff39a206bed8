import { type Declared, ROLLBACK_STEPS, TUNNEL_STEPS } from '../executing.ts'
import type { RollbackStep, StagingStep } from '../step.ts'
import type { StagedStep } from './change/stage.ts'

/** The steps that are executed on an OpenWrt router. */
export type OpenwrtStep = StagedStep | StagingStep | RollbackStep

export const OPENWRT_STEPS = {
  ...TUNNEL_STEPS,
  ...ROLLBACK_STEPS,
  'set-private-key': true,
  'lead-visitors': true,
  'unlead-visitors': true,
  'install-wireguard': true,
  'restart-network': true,
  'activate-changes': true,
} as const satisfies Declared<OpenwrtStep>
