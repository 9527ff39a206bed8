import { describe, expect, test } from 'vitest'
import { INHIBITS, type Trouble } from '../../../alerts/core/trouble.ts'
import { ALL_TROUBLES } from '../../../alerts/record/troubles.ts'

describe('what each trouble hides', () => {
  const rows: Partial<Record<Trouble, string[]>> = {
    'home-offline': ['registrar', 'hub-daemon', 'router', 'publication'],
    'hub-down': ['registrar', 'hub-daemon', 'publication'],
    'home-unknown': ['registrar', 'hub-daemon', 'publication'],
    'flow-dead': ['publication'],
    'return-dead': ['publication'],
    'port-blocked': ['publication'],
    'udp-blocked': ['publication'],
    'peer-unknown': ['publication'],
    'endpoint-moved': ['publication'],
    'session-lost': ['publication'],
    'handshake-blocked': ['publication'],
    'handshake-refused': ['publication'],
    'home-dark': ['agent', 'publication'],
    'hub-daemon-silent': ['registrar'],
    unknown: ['registrar', 'hub-daemon', 'agent', 'publication'],
  }

  test.each(ALL_TROUBLES)('%s', (trouble) => {
    expect(INHIBITS[trouble]).toEqual(rows[trouble])
  })

  test('nothing hides an outage of the tunnel', () => {
    expect(Object.values(INHIBITS).flat()).not.toContain('tunnel')
  })
})
