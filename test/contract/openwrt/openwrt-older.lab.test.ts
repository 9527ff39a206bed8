import { vi } from 'vitest'
import { isLong, someOf } from '../../long.ts'
import { adapterContract } from '../adapter-contract.ts'
import { killedContract } from '../killed.ts'
import { OPENWRT, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

// The stand-in of a router takes a second for a change: the newest release gets most of it, the oldest what depends on the
// release, and the one between them, whose status codes alone are others, what has a file of its own beside this.
for (const release of isLong ? (['23.05', '24.10'] as const) : (['23.05'] as const)) {
  const name = `the openwrt adapter, on OpenWrt ${release},`
  const start = () => startOpenwrtMachine(release)
  adapterContract(name, start, {
    ...OPENWRT,
    breadth: 'of-a-version',
    drifts: { ...OPENWRT.drifts, home: someOf(OPENWRT.drifts.home, 2) },
  })
  if (isLong) killedContract(name, start, OPENWRT)
}
