import { expect, test, vi } from 'vitest'
import { applyDesired } from '../../../adapters/apply.ts'
import { type OpenwrtMachine, startOpenwrtMachine } from './openwrt-machine.ts'
import { homeSpec } from '../specs.ts'
import { only } from '../../adapters/only.ts'

vi.setConfig({ testTimeout: 120_000 })

const signal = (): AbortSignal => AbortSignal.timeout(60_000)

async function withRouter(
  plan: Parameters<typeof startOpenwrtMachine>[1],
  release: Parameters<typeof startOpenwrtMachine>[0],
  use: (machine: OpenwrtMachine) => Promise<void>,
): Promise<void> {
  const machine = await startOpenwrtMachine(release, { hasWireguard: false, ...plan })
  try {
    await use(machine)
  } finally {
    await machine.close()
  }
}

test.each(['24.10', '25.12'] as const)('a router of %s without WireGuard is given it, and a tunnel', (release) =>
  withRouter({}, release, async (machine) => {
    const spec = homeSpec(machine.keys)
    const adapter = await machine.open()
    const kinds = (await applyDesired(adapter, only(spec), signal())).map((step) => step.kind)
    expect(kinds.slice(0, 3)).toEqual(['install-wireguard', 'restart-network', 'arm-rollback'])
    expect(adapter.plan(await adapter.observe(signal()), only(spec)).steps).toEqual([])
    await adapter.close()
  }),
)

test.each([
  ['router-packages-unreachable', { feeds: 'offline' }],
  ['router-packages-mismatch', { feeds: 'other-kernel' }],
  ['router-flash-full', { flashKib: 300 }],
] as const)('%s is told apart, and nothing is changed', (code, plan) =>
  withRouter(plan, '24.10', async (machine) => {
    const before = await machine.export()
    const adapter = await machine.open()
    await expect(applyDesired(adapter, [homeSpec(machine.keys)], signal())).rejects.toMatchObject({ code })
    expect(await machine.export()).toBe(before)
    await adapter.close()
  }),
)
