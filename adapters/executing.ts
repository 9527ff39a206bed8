import type { Adapter } from './adapter.ts'
import type { RollbackStep, Step, TunnelStep } from './step.ts'

/** Every kind of step that an adapter declares; a missing kind is a type error. */
export type Declared<Executed extends Step> = Readonly<Record<Executed['kind'], true>>

/**
 * An adapter's `execute`. Its plans hold only the declared steps, which types ensure; a step made by hand for an
 * adapter that the settings chose is refused here, once for all kinds of machines.
 * @throws {TypeError} for a step that was not declared.
 */
export function executing<Executed extends Step>(
  declared: Declared<Executed>,
  execute: (step: Executed, signal: AbortSignal) => Promise<void>,
): Adapter['execute'] {
  const isDeclared = (step: Step): step is Executed => Object.hasOwn(declared, step.kind)
  return async (step, signal) => {
    if (!isDeclared(step)) throw new TypeError(`this kind of machine has no step ${step.kind}`)
    return execute(step, signal)
  }
}

export const TUNNEL_STEPS = {
  'create-interface': true,
  'set-listen-port': true,
  'set-mtu': true,
  'add-address': true,
  'remove-address': true,
  'lead-network': true,
  'set-peers': true,
  'remove-peers': true,
  'bring-up': true,
  'add-route': true,
  'remove-route': true,
  'set-firewall': true,
  'remove-firewall': true,
  'remove-interface': true,
} as const satisfies Declared<TunnelStep>

export const ROLLBACK_STEPS = {
  'arm-rollback': true,
  'keep-changes': true,
  'revert-changes': true,
} as const satisfies Declared<RollbackStep>
