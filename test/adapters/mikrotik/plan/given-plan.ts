import { expect } from 'vitest'
import type { Observation } from '../../../../adapters/observation.ts'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { toObservation } from '../../../../adapters/mikrotik/convert.ts'
import { executeSteps } from '../../../../adapters/mikrotik/execute.ts'
import { stripInterface } from '../../../../adapters/mikrotik/objects/own-interface.ts'
import { readTables } from '../../../../adapters/mikrotik/objects/menus.ts'
import { planMikrotik } from '../../../../adapters/mikrotik/plan.ts'
import type { MikrotikStep } from '../../../../adapters/mikrotik/steps.ts'
import type { PublicKey } from '../../../../wireguard/keys.ts'
import { homeForwarding } from '../../forwarding.ts'
import type { PaperTables } from '../paper-tables.ts'

export const KEYS = ['A', 'B', 'C'].map((letter) => `${letter.repeat(43)}=`.replace(/.=$/, 'A=') as PublicKey)
export const OPTIONS = { host: '192.168.1.1', rollbackSeconds: 90 }

/** What is wanted of a router, planned and carried out on paper. */
export const HOME: TunnelSpec = {
  interface: 'hw0',
  publicKey: null,
  address: '10.86.0.2/16',
  mtu: 1420,
  listenPort: null,
  peers: [
    {
      publicKey: KEYS[0]!,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.10', port: 51_820 },
      allowedIps: ['10.86.0.0/16'],
      keepaliveSeconds: 25,
    },
  ],
  routes: [],
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'routed' }),
}

export async function observe(router: PaperTables): Promise<Observation> {
  const tables = await readTables(router.exec, router.signal)
  return toObservation(
    { ...tables, links: tables.interface, raw: { rules: [], members: [], lists: [] }, settings: {} },
    () => null,
  )
}

export async function apply(router: PaperTables, steps: readonly MikrotikStep[]): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'arm-rollback' || step.kind === 'keep-changes' || step.kind === 'revert-changes') continue
    if (step.kind === 'remove-interface') {
      await stripInterface(step.interface, router)
      // Under whatever name.
      const own = router.rows('/interface/wireguard').find((row) => row['comment'] === `homeward ${step.interface}`)
      if (own !== undefined)
        await router.exec({ command: '/interface/wireguard/remove', attributes: { '.id': own['.id']! } }, router.signal)
    } else await executeSteps(step, { ...router, peerName: true })
  }
}

export async function bring(router: PaperTables, ...desired: readonly TunnelSpec[]) {
  const { steps, refusals } = planMikrotik(await observe(router), desired, OPTIONS)
  expect(refusals).toEqual([])
  await apply(router, steps)
  return steps
}

export const done = async (router: PaperTables, ...desired: readonly TunnelSpec[]) =>
  planMikrotik(await observe(router), desired, OPTIONS)
