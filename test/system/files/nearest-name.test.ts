import type * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { AgentConfigSchema } from '../../../agent/settings/config.ts'
import { AlertSettingsSchema } from '../../../alerts/settings/settings.ts'
import { HubConfigSchema } from '../../../hub/settings/config.ts'
import { nearestName } from '../../../system/files/nearest-name.ts'

describe('a name that is no setting', () => {
  test.each([
    [AgentConfigSchema, ['heartbeatSecond'], 'heartbeatSeconds'],
    [AgentConfigSchema, ['HeartbeatSeconds'], 'heartbeatSeconds'],
    [AgentConfigSchema, ['hub'], 'hubs'],
    [AgentConfigSchema, ['rotatekey'], 'rotateKeys'],
    [AgentConfigSchema, ['lan', 'prefixs'], 'prefixes'],
    [AgentConfigSchema, ['lan', 'seenas'], 'seenAs'],
    [AgentConfigSchema, ['router', 'certficate'], 'certificate'],
    [AgentConfigSchema, ['hubs', 0, 'adresses'], 'addresses'],
    [HubConfigSchema, ['adresses'], 'addresses'],
    [HubConfigSchema, ['prot'], 'port'],
    [HubConfigSchema, ['alternatePort'], 'alternatePorts'],
    [AlertSettingsSchema, ['chanels'], 'channels'],
    [AlertSettingsSchema, ['quiethours'], 'quietHours'],
  ] as const)('may be meant for one: %# %j', (schema, path, meant) => {
    expect(nearestName(schema as unknown as v.GenericSchema, path)).toBe(meant)
  })

  test.each([
    [AgentConfigSchema, ['color']],
    [AgentConfigSchema, ['lan', 'heartbeatSeconds']],
    [AgentConfigSchema, ['nowhere', 'home']],
    [AgentConfigSchema, ['ab']],
    [HubConfigSchema, ['home']],
  ] as const)('is like none: %# %j', (schema, path) => {
    expect(nearestName(schema as unknown as v.GenericSchema, path)).toBeNull()
  })
})
