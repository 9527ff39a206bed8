import { vi } from 'vitest'
import { adapterContract } from './adapter-contract.ts'
import { OPENWRT, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

adapterContract('the openwrt adapter, on OpenWrt 24.10,', () => startOpenwrtMachine('24.10'), {
  ...OPENWRT,
  isKilledEverywhere: false,
})
