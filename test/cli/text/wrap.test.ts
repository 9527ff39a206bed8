import { expect, test } from 'vitest'
import * as fc from '../../properties.ts'
import { styled } from '../../../cli/text/style.ts'
import { wrapped } from '../../../cli/text/wrap.ts'

test('a long line is broken at its spaces, and what follows is below its text', () => {
  expect(wrapped('  note       all UDP is blocked on this line', 24, 13)).toBe(
    ['  note       all UDP is', '             blocked on', '             this line'].join('\n'),
  )
})

test('colours take no room', () => {
  const line = `  ${styled('dim', 'tunnel')}     ${styled('green', 'up')} since noon`
  expect(wrapped(line, 27, 13)).toBe(line)
})

test('where nobody looks, and where it fits, it stays one line', () => {
  const line = `  note       ${'word '.repeat(60)}end`
  expect(wrapped(line, null, 13)).toBe(line)
  expect(wrapped('  note  short', 80, 13)).toBe('  note  short')
})

test('no word is lost or broken, and no line is too wide unless one word is', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.'), minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), fc.integer({ min: 20, max: 100 }), (words, width) => {
      const lines = wrapped(`  ${words.join(' ')}`, width, 13).split('\n')
      expect(lines.map((line) => line.trim()).join(' ')).toBe(words.join(' '))
      for (const line of lines) if (line.trim().includes(' ')) expect(line.length).toBeLessThanOrEqual(width)
    }),
  )
})

test('of several lines the first is broken: those below are commands to paste', () => {
  const command = '    sudo homeward lan 192.168.8.0/24 --and-more'
  expect(wrapped(`  note       first line is short\n${command}`, 24, 13)).toBe(
    `  note       first line\n             is short\n${command}`,
  )
})
