import { vi } from 'vitest'
import { adapterContract } from '../adapter-contract.ts'
import { killedContract } from '../killed.ts'
import { MIKROTIK, startMikrotikMachine } from './mikrotik-machine.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const NAME = 'the mikrotik adapter, on RouterOS 7.21,'
const start = () => startMikrotikMachine({ version: '7.21' })

adapterContract(NAME, start, MIKROTIK)
killedContract(NAME, start, { ...MIKROTIK, kills: 'some' })
