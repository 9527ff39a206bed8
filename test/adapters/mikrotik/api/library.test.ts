import { expect, test } from 'vitest'
import { requireVersion } from '../../../../adapters/mikrotik/api/library.ts'

test('another version of the library than the one whose methods are replaced is refused', () => {
  expect(() => requireVersion('1.6.9')).not.toThrow()
  for (const found of ['1.6.8', '1.7.0', '2.0.0', ''])
    expect(() => requireVersion(found)).toThrow(
      expect.objectContaining({ code: 'router-library-mismatch', message: expect.stringContaining('1.6.9') }),
    )
})
