import { appendFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openAuditLog, readAuditLog } from '../../../hub/audit/audit-log.ts'
import type { Noted } from '../../../hub/audit/entries.ts'
import { captureLog } from '../captured-log.ts'
import { turnedClock } from '../turned-clock.ts'

let folder: string
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'homeward-audit-')), 'audit')
})
afterEach(() => rm(join(folder, '..'), { recursive: true }))

const published = (home: string, what: string): Noted => ({ home, by: 'home', act: 'published', what })
const refused = (what: string, home = 'cabin'): Noted => ({
  home,
  by: 'home',
  act: 'refused',
  what,
  code: 'right-missing',
})

describe('the audit log', () => {
  test('has a file for each home, which only its owner may read, and gives all of them in order', async () => {
    const [clock, { log }] = [turnedClock(), captureLog()]
    const audit = openAuditLog(folder, clock, log)
    audit.note([published('cabin', 'one'), published('lodge', 'two')])
    clock.turn(1_000)
    audit.note([{ home: null, by: 'hub', act: 'device-added', what: 'three' }, published('cabin', 'four')])
    await audit.settled()
    expect((await readdir(folder)).sort()).toEqual(['@hub.jsonl', 'cabin.jsonl', 'lodge.jsonl'])
    expect((await stat(join(folder, 'cabin.jsonl'))).mode & 0o777).toBe(0o600)
    const all = await readAuditLog(folder, null)
    expect(all.every(({ at }, index) => index === 0 || at >= (all[index - 1]?.at ?? ''))).toBe(true)
    expect(new Set(all.map(({ what }) => what))).toEqual(new Set(['one', 'two', 'three', 'four']))
    expect((await readAuditLog(folder, 'cabin')).map(({ what }) => what)).toEqual(['one', 'four'])
    expect(await readAuditLog(folder, 'barn')).toEqual([])
    expect(await readAuditLog(join(folder, 'missing'), null)).toEqual([])
  })

  test('reads on past a torn line', async () => {
    const audit = openAuditLog(folder, turnedClock(), captureLog().log)
    audit.note([published('cabin', 'one')])
    await audit.settled()
    await appendFile(join(folder, 'cabin.jsonl'), '{"at":"2026-11-2')
    const next = openAuditLog(folder, turnedClock(), captureLog().log)
    next.note([published('cabin', 'two')])
    await next.settled()
    expect((await readAuditLog(folder, null)).map(({ what }) => what)).toEqual(['one', 'two'])
  })

  test('notes the same refusal once an hour, and 32 of a home at most, whoever else is refused', async () => {
    const clock = turnedClock()
    const audit = openAuditLog(folder, clock, captureLog().log)
    for (let times = 0; times < 1_000; times += 1) audit.note([refused('the same')])
    for (let port = 0; port < 1_000; port += 1) audit.note([refused(`port ${port}`)])
    audit.note([refused('the same', 'lodge')])
    await audit.settled()
    expect(await readAuditLog(folder, 'cabin')).toHaveLength(32)
    expect(await readAuditLog(folder, 'lodge')).toHaveLength(1)
    clock.turn(3_600_000)
    audit.note([refused('the same')])
    await audit.settled()
    expect((await readAuditLog(folder, 'cabin')).at(-1)).toMatchObject({ what: 'the same' })
    expect(await readAuditLog(folder, 'cabin')).toHaveLength(33)
  })

  test('keeps a pair of files of bounded size a home, and pushes nobody else’s out', async () => {
    const audit = openAuditLog(folder, turnedClock(), captureLog().log)
    audit.note([published('lodge', 'mine')])
    for (let count = 0; count < 3_000; count += 1) audit.note([published('cabin', `${count} ${'x'.repeat(200)}`)])
    await audit.settled()
    const sizes = await Promise.all(
      ['cabin.jsonl', 'cabin.1.jsonl'].map(async (name) => (await stat(join(folder, name))).size),
    )
    expect(Math.max(...sizes)).toBeLessThan(129 * 1_024)
    expect((await readAuditLog(folder, 'lodge')).map(({ what }) => what)).toEqual(['mine'])
    expect((await readAuditLog(folder, 'cabin')).at(-1)?.what).toMatch(/^2999 /)
  })
})
