import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from '../properties.ts'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { printCsv, printFacts, printStyled, printStyledAgain, reportProblem, tell } from '../../cli/output.ts'
import { styled } from '../../cli/text/style.ts'
import { table } from '../../cli/text/table.ts'
import { SOURCE_ROOMS } from '../source-rooms.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const context = { configDir: '', stateDir: '', runtimeDir: '', json: false, yes: false }
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom('\u001b[2J', '\u001b[1m', '\r', '\n', '\u0007', '\u007f', '\u009b31m', '\u202e', '\u2028'),
      fc.string({ unit: 'binary' }),
    ),
  )
  .map((parts) => parts.join(''))

afterEach(() => vi.restoreAllMocks())

/** What a terminal gets while something is said. */
function heard(say: () => void): string {
  let all = ''
  const take = (part: unknown): boolean => {
    all += String(part)
    return true
  }
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockImplementation(take))
  say()
  for (const stream of streams) stream.mockRestore()
  return all
}

describe('what the command says', () => {
  test('goes out by one file, so that nothing is said past it', async () => {
    const files = await Promise.all(
      SOURCE_ROOMS.map(async (folder) =>
        (await readdir(join(root, folder), { recursive: true }))
          .filter((name) => name.endsWith('.ts'))
          .map((name) => join(folder, name)),
      ),
    )
    const saying: string[] = []
    for (const file of files.flat())
      if (/process\.std(?:out|err)\.write|console\.\w+\(/.test(await readFile(join(root, file), 'utf8')))
        saying.push(file)
    expect(saying).toEqual(['cli/output.ts'])
  })

  test('does nothing to a terminal, whatever is in it', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const said = heard(() => {
          printFacts(context, { rows: [one, other] }, ({ rows }) => table([['A', 'B'], rows, rows]))
          printFacts({ ...context, json: true }, { one, [other]: 1 }, () => '')
          printStyledAgain({ ...context, json: true }, { one }, () => '')
          printStyled(context, { one }, (facts) => facts.one)
          printFacts(context, null, () => one)
          printCsv(`${one}\r\n`)
          tell(other)
          reportProblem(new TypeError(one), true)
        })
        expect(said.replaceAll('\r\n', '\n').replaceAll('\n', '')).not.toMatch(UNPRINTABLE)
      }),
    )
  })

  test('has the lines that homeward laid out and no others', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const said = heard(() => printFacts(context, { one, other }, (facts) => `a ${facts.one}\nb ${facts.other}`))
        expect(said.trimEnd().split('\n')).toHaveLength(2)
      }),
    )
  })

  test('keeps its own colours, and gives nobody else any', () => {
    const facts = { state: '\u001b[31moffline\u001b[39m' }
    const said = heard(() => printStyled(context, facts, ({ state }) => styled('bold', state)))
    expect(said).toBe('\u001b[1m\uFFFD[31moffline\uFFFD[39m\u001b[22m\n')
  })
})
