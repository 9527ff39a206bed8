import { vi } from 'vitest'
import { isLong } from '../../long.ts'
import { adapterContract } from '../adapter-contract.ts'
import { killedContract } from '../killed.ts'
import { MIKROTIK, startMikrotikMachine } from './mikrotik-machine.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const NAME = 'the mikrotik adapter, on RouterOS 7.18.2,'
const start = () => startMikrotikMachine({ version: '7.18.2' })

adapterContract(NAME, start, MIKROTIK)
if (isLong) killedContract(NAME, start, MIKROTIK)
