import { vi } from 'vitest'
import { someOf } from '../../long.ts'
import { adapterContract } from '../adapter-contract.ts'
import { OPENWRT, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

// The stand-in of a router takes a second for a change.
adapterContract('the openwrt adapter, on OpenWrt 25.12,', () => startOpenwrtMachine('25.12'), {
  ...OPENWRT,
  drifts: { ...OPENWRT.drifts, home: someOf(OPENWRT.drifts.home, 6) },
})
