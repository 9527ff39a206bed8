import { vi } from 'vitest'
import { someOf } from '../../long.ts'
import { adapterContract } from '../adapter-contract.ts'
import { OPENWRT, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

// The stand-in of a router takes seconds for a change: the newest release gets all of it, this one some.
adapterContract('the openwrt adapter, on OpenWrt 23.05,', () => startOpenwrtMachine('23.05'), {
  ...OPENWRT,
  drifts: { ...OPENWRT.drifts, home: someOf(OPENWRT.drifts.home, 4) },
  kills: 'none',
})
