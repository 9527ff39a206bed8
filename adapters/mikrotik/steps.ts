import { type Declared, ROLLBACK_STEPS, TUNNEL_STEPS } from '../executing.ts'
import type { HomeForwarding } from '../spec.ts'
import type { RollbackStep, TunnelStep } from '../step.ts'

/** The steps that are executed on a MikroTik. The router makes its key itself, and a route there has no MTU. */
export type MikrotikStep = TunnelStep<HomeForwarding> | RollbackStep

export const MIKROTIK_STEPS = { ...TUNNEL_STEPS, ...ROLLBACK_STEPS } as const satisfies Declared<MikrotikStep>
