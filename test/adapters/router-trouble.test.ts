import { expect, test } from 'vitest'
import { routerTroubleOf } from '../../adapters/router-trouble.ts'

test('each reason why a router cannot be looked at has its own words', () => {
  expect(
    (
      [
        'router-unreachable',
        'router-timeout',
        'router-login-refused',
        'config-unreadable',
        'secret-exposed',
        'config-invalid',
        'router-rights-missing',
        'router-certificate-mismatch',
        'router-host-key-mismatch',
        'router-changes-pending',
        'router-busy',
        'router-change-cut-off',
        'router-refused',
      ] as const
    ).map(routerTroubleOf),
  ).toEqual([
    'router-silent',
    'router-silent',
    'router-login-refused',
    'router-login-unreadable',
    'router-login-unreadable',
    'router-login-unreadable',
    'router-rights-missing',
    'router-identity-changed',
    'router-identity-changed',
    'router-busy',
    'router-busy',
    'router-change-cut-off',
    'router-refusing',
  ])
})

test('what fails here says nothing of the router', () => {
  expect((['write-failed', 'internal', 'tunnel-unproven'] as const).map(routerTroubleOf)).toEqual([null, null, null])
})
