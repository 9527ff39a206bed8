import { vi } from 'vitest'
import { adapterContract } from '../adapter-contract.ts'
import { MIKROTIK, startMikrotikMachine } from './mikrotik-machine.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

adapterContract('the mikrotik adapter, on RouterOS 7.18.2,', () => startMikrotikMachine({ version: '7.18.2' }), {
  ...MIKROTIK,
  kills: 'some',
})
