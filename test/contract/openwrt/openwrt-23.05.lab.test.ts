import { vi } from 'vitest'
import { isLong, someOf } from '../../long.ts'
import { adapterContract } from '../adapter-contract.ts'
import { killedContract } from '../killed.ts'
import { OPENWRT, startOpenwrtMachine } from './openwrt-machine.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 120_000 })

const NAME = 'the openwrt adapter, on OpenWrt 23.05,'
const start = () => startOpenwrtMachine('23.05')

// The stand-in of a router takes seconds for a change: the newest release gets all of it, this one some.
adapterContract(NAME, start, { ...OPENWRT, drifts: { ...OPENWRT.drifts, home: someOf(OPENWRT.drifts.home, 4) } })
if (isLong) killedContract(NAME, start, OPENWRT)
