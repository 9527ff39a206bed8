import { array, assert, nat, property, string } from '../../properties.ts'
import { describe, expect, it } from 'vitest'
import { createLineLog } from './line-log.ts'

const quick = { timeoutMs: 20, describe: () => 'the program' }

describe('waiting for a line', () => {
  it('finds one that was written before', async () => {
    const log = createLineLog()
    log.add('stdout', 'one\ntwo 2\n')
    expect((await log.waitFor(/two (\d)/, quick))[1]).toBe('2')
  })

  it('finds one that comes in pieces, between pieces of the other stream', async () => {
    const log = createLineLog()
    const found = log.waitFor(/^ready$/, quick)
    log.add('stdout', 're')
    log.add('stderr', 'oops\n')
    log.add('stdout', 'ady\n')
    expect((await found)[0]).toBe('ready')
  })

  it('overlooks lines before the mark', async () => {
    const log = createLineLog()
    log.add('stdout', 'tick 1\n')
    const found = log.waitFor(/tick (\d)/, { ...quick, after: log.count })
    log.add('stdout', 'tick 2\n')
    expect((await found)[1]).toBe('2')
  })

  it('gives up in time, and says of whom and on what', async () => {
    const log = createLineLog()
    await expect(log.waitFor(/never/, quick)).rejects.toThrow('no line like /never/ within 0.02 s: the program')
  })

  it('gives up when the program ends, but reads its last unfinished line first', async () => {
    const log = createLineLog()
    const [last, none] = [log.waitFor(/last/, quick), log.waitFor(/never/, quick)]
    log.add('stdout', 'last')
    log.end()
    expect((await last)[0]).toBe('last')
    await expect(none).rejects.toThrow('before it ended')
    await expect(log.waitFor(/never/, quick)).rejects.toThrow('before it ended')
  })

  it('counts the same lines however the text is cut', () => {
    const line = string({ minLength: 1 }).map((text) => text.replaceAll('\n', ' '))
    assert(
      property(array(line), array(nat(10), { minLength: 1 }), (lines, sizes) => {
        const log = createLineLog()
        let rest = lines.map((text) => `${text}\n`).join('')
        for (let turn = 0; rest !== ''; turn++) {
          const size = 1 + (sizes[turn % sizes.length] ?? 0)
          log.add('stdout', rest.slice(0, size))
          rest = rest.slice(size)
        }
        expect(log.count).toBe(lines.length)
      }),
    )
  })
})
