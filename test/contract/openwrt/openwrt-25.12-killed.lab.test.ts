import { describe, vi } from 'vitest'
import { isLong } from '../../long.ts'
import { killedContract } from '../killed.ts'
import { OPENWRT, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

// What a killed agent leaves on a router is in openwrt-killed.lab.test.ts each time; this takes as long as ten others.
describe.runIf(isLong)('killed,', () => {
  killedContract('the openwrt adapter, on OpenWrt 25.12,', () => startOpenwrtMachine('25.12'), {
    ...OPENWRT,
    kills: 'some',
  })
})
