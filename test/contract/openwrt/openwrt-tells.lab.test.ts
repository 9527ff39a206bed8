import { vi } from 'vitest'
import { OPENWRT, startOpenwrtMachine } from './openwrt-machine.ts'
import { OPENWRT_TELLS } from './openwrt-drifts.ts'
import { tellsContract } from '../tells.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

tellsContract('the openwrt adapter, 23.05,', () => startOpenwrtMachine('23.05'), OPENWRT, OPENWRT_TELLS)
