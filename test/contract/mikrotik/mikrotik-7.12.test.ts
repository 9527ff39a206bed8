import { vi } from 'vitest'
import { isLong, someOf } from '../../long.ts'
import { adapterContract } from '../adapter-contract.ts'
import { killedContract } from '../killed.ts'
import { MIKROTIK, startMikrotikMachine } from './mikrotik-machine.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const NAME = 'the mikrotik adapter, on RouterOS 7.12.2,'
const start = () => startMikrotikMachine({ version: '7.12.2' })

// The newest version gets all of it.
adapterContract(NAME, start, {
  ...MIKROTIK,
  breadth: 'of-a-version',
  drifts: { ...MIKROTIK.drifts, home: someOf(MIKROTIK.drifts.home, 6) },
})
if (isLong) killedContract(NAME, start, MIKROTIK)
