import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { enrolWriter } from '../../../../adapters/router/writer.ts'
import { type CutOffRouter, cutOffRouter, HOME, OTHER_HOME, signal } from '../cut-off-router.ts'

vi.setConfig({ testTimeout: 240_000 })

/** The journal of a change that was cut off, and a router on which it stays half done. */
async function halfDone(): Promise<CutOffRouter & { readonly written: string }> {
  const of = await cutOffRouter({ version: '7.12.2' })
  await of.bring(HOME)
  await of.cutOff(OTHER_HOME)
  return { ...of, written: await readFile(of.journal, 'utf8') }
}

type Written = Readonly<Record<string, unknown>> & { readonly snapshot: Readonly<Record<string, unknown>> }

test('whatever is left of a damaged one: said once, put aside, and everything goes on', async () => {
  const of = await halfDone()
  const whole = JSON.parse(of.written) as Written
  const { writer, ...unsigned } = whole
  const damaged = [
    '',
    'null',
    '[]',
    '"text"',
    '{"version":1}',
    of.written.slice(0, 1),
    of.written.slice(0, of.written.length / 2),
    of.written.slice(0, -3),
    '\u0000'.repeat(of.written.length),
    JSON.stringify(unsigned),
    JSON.stringify({ ...whole, writer: { ...(writer as object), pid: -1 } }),
    JSON.stringify({ ...whole, undoer: { kind: 'nobody' } }),
    JSON.stringify({ ...whole, snapshot: { ...whole.snapshot, filter: undefined } }),
    JSON.stringify({ ...whole, snapshot: { ...whole.snapshot, peer: [{ key: 7 }] } }),
  ]
  for (const text of damaged) {
    await writeFile(of.journal, text)
    const before = of.router.export()
    const adapter = of.open()
    const { warnings } = await adapter.observe(signal())
    expect(warnings, text).toEqual([expect.stringMatching(/router-undo\.unusable\.json.* damaged/)])
    expect(of.router.export()).toBe(before)
    await expect(access(of.journal)).rejects.toThrow('ENOENT')
    expect(await readFile(of.aside, 'utf8')).toBe(text)
    await adapter.close()
    expect((await of.open().observe(signal())).warnings).toEqual([])
  }
  await of.bring(OTHER_HOME)
  await of.bring(null)
  expect(of.ours()).toEqual([])
})

test('one that a newer homeward wrote: said, not played back, not lost', async () => {
  const of = await halfDone()
  const text = JSON.stringify({ ...(JSON.parse(of.written) as Written), version: 2, more: true })
  await writeFile(of.journal, text)
  const before = of.router.export()
  const { warnings } = await of.open().observe(signal())
  expect(warnings).toEqual([expect.stringContaining('a newer homeward wrote it (format 2)')])
  expect(of.router.export()).toBe(before)
  expect(await readFile(of.aside, 'utf8')).toBe(text)
  await of.bring(OTHER_HOME)
  await of.bring(null)
  expect(of.ours()).toEqual([])
})

test('one whose writer is still at work is left where it is, whatever its format', async () => {
  const of = await halfDone()
  const written = JSON.parse(of.written) as Written
  for (const version of [1, 2]) {
    const text = JSON.stringify({ ...written, version, writer: await enrolWriter() })
    await writeFile(of.journal, text)
    const before = of.router.export()
    expect((await of.open().observe(signal())).warnings).toEqual([])
    expect(of.router.export()).toBe(before)
    expect(await readFile(of.journal, 'utf8')).toBe(text)
  }
})

test('something in its place that is no file: said, and put aside', async () => {
  const of = await cutOffRouter({ version: '7.12.2' })
  await mkdir(of.journal, { recursive: true })
  expect((await of.open().observe(signal())).warnings).toEqual([expect.stringContaining('EISDIR')])
  await of.bring(HOME)
})
