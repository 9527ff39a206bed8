import { killedContract } from '../killed.ts'
import { LINUX } from './linux-capabilities.ts'
import { startLinuxMachine } from './linux-machine.ts'

killedContract('the linux adapter', () => startLinuxMachine('as-they-are'), { ...LINUX, kills: 'some' })
