import { expect, test } from 'vitest'
import { bundledPackages } from '../../packaging/bundled.ts'

const metafile = (inputs: Readonly<Record<string, number>>) => ({
  outputs: {
    'dist/a.js': {
      inputs: Object.fromEntries(Object.entries(inputs).map(([path, bytesInOutput]) => [path, { bytesInOutput }])),
    },
  },
})

test('each package is named once, by its folder', () => {
  const bundled = bundledPackages(
    metafile({ 'node_modules/b/x.js': 1, 'node_modules/b/y.js': 2, 'node_modules/@a/c/z.js': 3, 'cli/main.ts': 4 }),
  )
  expect(bundled).toEqual(['node_modules/@a/c', 'node_modules/b'])
})

test('a package within another is one of its own', () => {
  expect(bundledPackages(metafile({ 'node_modules/b/node_modules/c/x.js': 1 }))).toEqual([
    'node_modules/b/node_modules/c',
  ])
})

test('what left no byte is not in the bundle', () => {
  expect(bundledPackages(metafile({ 'node_modules/b/x.js': 0 }))).toEqual([])
})

test.each(['../elsewhere/node_modules/b/x.js', '/usr/lib/node_modules/b/x.js'])('%s is refused', (path) => {
  expect(() => bundledPackages(metafile({ [path]: 1 }))).toThrow('outside of the source')
})
