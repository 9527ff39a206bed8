import { adapterContract } from '../adapter-contract.ts'
import { LINUX } from './linux-capabilities.ts'
import { startLinuxMachine } from './linux-machine.ts'

adapterContract('the linux adapter', () => startLinuxMachine(), LINUX)
