import { IN_AGENT_CORE } from './agent-core.ts'
import { IN_ALERTS_CORE } from './alerts-core.ts'
import { IN_HUB_CORE } from './hub-core.ts'
import type { Survivor } from './survivor.ts'

export const SURVIVORS: readonly Survivor[] = [...IN_AGENT_CORE, ...IN_ALERTS_CORE, ...IN_HUB_CORE]
