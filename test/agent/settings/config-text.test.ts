import { expect, test } from 'vitest'
import { AgentConfigSchema, type AgentConfig } from '../../../agent/settings/config.ts'
import { agentConfigText } from '../../../agent/settings/config-text.ts'
import { parseYaml } from '../../../system/files/yaml-file.ts'
import { sampleConfig } from '../sample-config.ts'

test('what was written reads back the same', () => {
  const text = agentConfigText(sampleConfig)
  expect(parseYaml(text, 'agent.yaml', AgentConfigSchema)).toEqual(sampleConfig)
})

test('every setting has a comment above it, and a line of its own', () => {
  const lines = agentConfigText(sampleConfig).split('\n')
  for (const key of Object.keys(sampleConfig) as (keyof AgentConfig)[]) {
    const line = lines.findIndex((text) => text.startsWith(`${key}:`))
    expect(lines[line - 1], key).toMatch(/^# /)
  }
})
