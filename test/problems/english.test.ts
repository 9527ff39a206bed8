import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { sentencesOf, textsIn } from './sentences.ts'

/** Words that nobody says any more, or says otherwise: each beside what is said instead. */
const ODD: readonly (readonly [RegExp, string])[] = [
  [/\bshall\b/i, 'should, must, is to'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix, repair'],
  [/\bwhoever\b/i, 'anyone who'],
  [/\banew\b/i, 'again'],
  [/\bin vain\b/i, 'without success'],
  [/\bin the midst\b/i, 'in the middle'],
  [/\bnobody (?:is|was) told\b/i, 'no alert was sent'],
  [/\bworth nothing\b/i, 'no longer works'],
  [/\bmany an?\b/i, 'many'],
  [/\bno more$|\bno more[,.;]/i, 'no longer'],
  [/\bforesaw\b|\bunforeseen\b/i, 'did not expect'],
  [/\bis going to:?$/, 'will'],
  [/\bhas ended that\b|\bis at work on\b/i, 'is working on'],
]

const PAGES = ['README.md', 'docs/alerts.md', 'docs/devices.md', 'docs/troubleshooting.md']

const oddIn = (text: string): readonly string[] =>
  ODD.flatMap(([word, better]) => (word.test(text) ? [`${word.source}: ${better}`] : []))

describe('what people read', () => {
  test('is in words of today, wherever the program says it', async () => {
    const sentences = await sentencesOf()
    expect(sentences.length).toBeGreaterThan(1_000)
    const odd = sentences.flatMap(({ file, text }) => oddIn(text).map((why) => `${file}: ${text} (${why})`))
    expect(odd).toEqual([])
  })

  test.each(PAGES)('and in %s', async (page) => {
    const lines = (await readFile(page, 'utf8')).split('\n')
    const odd = lines.flatMap((line, at) => oddIn(line).map((why) => `${page}:${at + 1} (${why})`))
    expect(odd).toEqual([])
  })
})

test('texts are found in quotes of every kind, and comments are none', () => {
  const source = [
    "const a = 'one ’ two' // 'not this'",
    '/* "nor this" */ const b = "three"',
    'const c = `four ${x ? `five` : "y"} six`',
    "const d = /it's/.test('seven'), e = a > 1 ? /`/ : 'eight', f = `${`nine ${`ten`}`}`",
  ].join('\n')
  expect(textsIn(source)).toEqual([
    'one ’ two',
    'three',
    'four … six',
    'five',
    'y',
    'seven',
    'eight',
    '…',
    'nine …',
    'ten',
  ])
})
