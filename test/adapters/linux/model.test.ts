import { expect, test } from 'vitest'
import { modelFrom } from '../../../adapters/linux/model.ts'

const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'

test('a Pi is named with its board and its system', () => {
  expect(modelFrom('Raspberry Pi 4 Model B Rev 1.4\0', DEBIAN)).toBe(
    'Raspberry Pi 4 Model B Rev 1.4, Debian GNU/Linux 12 (bookworm)',
  )
})

test.each([
  [DEBIAN, 'Debian GNU/Linux 12 (bookworm)'],
  ["NAME=x\nPRETTY_NAME='Void Linux'\n", 'Void Linux'],
  ['PRETTY_NAME=Alpine\n', 'Alpine'],
  ['', 'Linux'],
])('a machine without a board’s name is named by its system: %j', (osRelease, expected) => {
  expect(modelFrom('', osRelease)).toBe(expected)
})
