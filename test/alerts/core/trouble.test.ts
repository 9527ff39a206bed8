import { expect, test } from 'vitest'
import { inhibitedBy } from '../../../alerts/core/trouble.ts'
import { ALL_TROUBLES } from '../../../alerts/record/troubles.ts'

const hiding = (scope: string): readonly string[] =>
  ALL_TROUBLES.filter((trouble) => inhibitedBy(trouble).some((one) => one === scope)).toSorted()

test('what nobody can reach for another reason is not told: each scope, and who hides it', () => {
  expect(hiding('registrar')).toEqual(['home-offline', 'home-unknown', 'hub-daemon-silent', 'hub-down', 'unknown'])
  expect(hiding('hub-daemon')).toEqual(['home-offline', 'home-unknown', 'hub-down', 'unknown'])
  expect(hiding('router')).toEqual(['home-offline'])
  expect(hiding('agent')).toEqual(['home-dark', 'unknown'])
})

test('a published port is not told of while the tunnel is dark, and is where it carries', () => {
  const carrying = ALL_TROUBLES.filter((trouble) => !hiding('publication').includes(trouble)).toSorted()
  expect(carrying).toEqual([
    'agent-silent',
    'drift',
    'hub-daemon-silent',
    'hub-file-damaged',
    'key-file-damaged',
    'mapping-changed',
    'mtu-black-hole',
    'publication-failing',
    'registrar-unreachable',
    'router-silent',
  ])
})

test('nothing hides an outage of the tunnel', () => {
  expect(hiding('tunnel')).toEqual([])
})
