import { describe, expect, test } from 'vitest'
import { INHIBITS, type Trouble } from '../../../alerts/core/trouble.ts'
import { ALL_TROUBLES } from '../../../alerts/record/troubles.ts'

describe('what each trouble hides', () => {
  const rows: Partial<Record<Trouble, string[]>> = {
    'home-offline': ['registrar', 'hub-daemon', 'router'],
    'hub-down': ['registrar', 'hub-daemon'],
    'home-unknown': ['registrar', 'hub-daemon'],
    'home-dark': ['agent'],
    'hub-daemon-silent': ['registrar'],
    unknown: ['registrar', 'hub-daemon', 'agent'],
  }

  test.each(ALL_TROUBLES)('%s', (trouble) => {
    expect(INHIBITS[trouble]).toEqual(rows[trouble])
  })

  test('nothing hides an outage of the tunnel', () => {
    expect(Object.values(INHIBITS).flat()).not.toContain('tunnel')
  })
})
