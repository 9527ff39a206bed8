import { adapterContract } from '../adapter-contract.ts'
import { LINUX_DRIFT_NAMES } from './linux-drifts.ts'
import { startLinuxMachine } from './linux-machine.ts'

adapterContract('the linux adapter', startLinuxMachine, {
  roles: ['home', 'hub'],
  answersVisitors: true,
  keysMadeThere: false,
  undoesFailures: false,
  tellsCommands: true,
  drifts: LINUX_DRIFT_NAMES,
})
