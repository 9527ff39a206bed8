import type { Capabilities } from '../machine.ts'
import { LINUX_DRIFT_NAMES } from './linux-drifts.ts'

export const LINUX: Capabilities = {
  roles: ['home', 'hub'],
  answersVisitors: true,
  leadsOutgoing: true,
  keysMadeThere: false,
  undoesFailures: false,
  tellsCommands: true,
  drifts: LINUX_DRIFT_NAMES,
}
