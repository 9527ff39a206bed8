import { expect, test } from 'vitest'
import { applied, mutantsOf } from './mutants.ts'

/** What becomes of this source by each of its mutants. */
const mutated = (source: string): readonly string[] => mutantsOf(source).map((mutant) => applied(source, mutant))

test.each<[string, readonly string[]]>([
  ['const PAUSE_MS = 1_000', ['const PAUSE_MS = 1001', 'const PAUSE_MS = 999']],
  ['a < 0', ['', 'a <= 0', 'a >= 0', 'a < 1', 'a < (-1)']],
  ['a === b', ['', 'a !== b']],
  ['a && b', ['', '((a) || (b))', '(a)', '(b)']],
  ['a ?? b', ['', '(a)', '(b)']],
  ['!a', ['', 'a']],
  ['const is = true', ['const is = false']],
  ['const at = Infinity', ['const at = 0']],
  ['if (a) b()', ['if (true) b()', 'if (false) b()', 'if (a) ;']],
  ['const c = a ? b : d', ['const c = true ? b : d', 'const c = false ? b : d']],
  [
    'const f = () => { if (a) return b; return c }',
    ['true', 'false']
      .map((a) => `const f = () => { if (${a}) return b; return c }`)
      .concat('const f = () => { if (a) return b; ; }'),
  ],
  ['const c = { ...a, b, d: e }', ['const c = { ...a,  d: e }', 'const c = { ...a, b,  }']],
  ['const c = [...a, b]', ['const c = [ b]', 'const c = [...a, ]']],
  ['const c = Math.min(a, b)', ['const c = Math.max(a, b)']],
  ['const c = a.filter(b)', ['const c = a']],
  ['const c = Math.floor(a)', ['const c = (a)']],
])('%s', (source, expected) => {
  const statement = expected[0] === '' ? [';', ...expected.slice(1)] : expected
  expect([...mutated(source)].sort()).toEqual([...statement].sort())
})

test('types, imports and what is never reached stay as they are', () => {
  expect(mutated(`import { a } from './1.ts'`)).toEqual([])
  expect(mutated('interface A { readonly b: 1 | 2 }')).toEqual([])
  expect(mutated('type A = 1')).toEqual([])
  expect(mutated('function f(a: never) { switch (a) { default: return a satisfies never } }')).toEqual([])
})

test('each says where it is and what it does', () => {
  expect(mutantsOf('const a = 1\nconst b = 2').map(({ line, what }) => [line, what])).toEqual([
    [1, '1 → 2'],
    [1, '1 → 0'],
    [2, '2 → 3'],
    [2, '2 → 1'],
  ])
})
