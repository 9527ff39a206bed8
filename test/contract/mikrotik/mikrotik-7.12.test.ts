import { vi } from 'vitest'
import { adapterContract } from '../adapter-contract.ts'
import { MIKROTIK, startMikrotikMachine } from './mikrotik-machine.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

adapterContract(
  'the mikrotik adapter, on RouterOS 7.12.2,',
  () => startMikrotikMachine({ version: '7.12.2' }),
  MIKROTIK,
)
