import { vi } from 'vitest'
import { killedContract } from '../killed.ts'
import { OPENWRT, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

killedContract('the openwrt adapter, on OpenWrt 25.12,', () => startOpenwrtMachine('25.12'), {
  ...OPENWRT,
  kills: 'some',
})
