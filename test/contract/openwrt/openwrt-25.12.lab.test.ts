import { vi } from 'vitest'
import { adapterContract } from '../adapter-contract.ts'
import { OPENWRT, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

adapterContract('the openwrt adapter, on OpenWrt 25.12,', () => startOpenwrtMachine('25.12'), OPENWRT)
