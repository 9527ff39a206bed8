import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from '../../properties.ts'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Problem } from '../../../problems/problem.ts'
import { parseYaml, readYamlFile } from '../../../system/files/yaml-file.ts'

const Schema = v.strictObject({
  home: v.string(),
  mode: v.optional(v.picklist(['masquerade', 'routed']), 'masquerade'),
  mtu: v.optional(v.pipe(v.number(), v.integer(), v.minValue(576), v.maxValue(9000)), 1420),
  hubs: v.optional(v.array(v.strictObject({ port: v.number() })), []),
})

/** What is wrong with it: the whole of `why`. */
function fault(text: string): string {
  try {
    parseYaml(text, '/etc/homeward/agent.yaml', Schema)
    return 'nothing'
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'config-invalid', what: 'reading /etc/homeward/agent.yaml' })
    return (thrown as Problem).why
  }
}

test('an empty list is no mapping that has only defaults, at whatever depth', () => {
  const Deep = v.strictObject({
    list: v.optional(v.array(v.number()), []),
    outer: v.optional(v.strictObject({ inner: v.optional(v.strictObject({ on: v.optional(v.boolean()) }), {}) }), {}),
    hubs: v.optional(v.array(v.strictObject({ on: v.optional(v.boolean()) })), []),
  })
  const read = (text: string) => () => parseYaml(text, 'x', Deep)
  expect(read('list: []\nouter: {}\nhubs: [{}]\n')()).toEqual({ list: [], outer: { inner: {} }, hubs: [{}] })
  expect(read('[]\n')).toThrow('line 1: the file must have settings of its own, "name: value", but is a list')
  expect(read('list: []\nouter: []\n')).toThrow('line 2: outer must have settings of its own')
  expect(read('outer:\n  inner: []\n')).toThrow('line 2: outer.inner must have')
  expect(read('hubs:\n  - {}\n  - []\n')).toThrow(/line 3: hubs\.1 must have/)
})

test('what is left out has its default', () => {
  expect(parseYaml('home: cabin\n', 'x', Schema)).toEqual({ home: 'cabin', mode: 'masquerade', mtu: 1420, hubs: [] })
})

describe('a fault is named with its line, its field and what would be accepted', () => {
  test.each([
    [
      'a word that is none of the choices',
      'home: cabin\n\nmode: bridged\n',
      /^line 3: mode must be .*"masquerade".*"routed".*, but is "bridged"$/,
    ],
    ['a wrong type', 'home: cabin\nmtu: many\n', /^line 2: mtu must be number, but is "many"$/],
    ['a list for the whole file', '[]\n', /^line 1: home is missing$/],
    ['a number that is too small', 'home: cabin\nmtu: 3\n', /^line 2: mtu must be >=576, but is 3$/],
    [
      'a list’s member',
      'home: cabin\nhubs:\n  - port: 1\n  - port: x\n',
      /^line 4: hubs\.1\.port must be number, but is "x"$/,
    ],
    ['a setting that is missing', '# nothing yet\nmtu: 1400\n', /^line 2: home is missing$/],
    ['a setting that nobody knows', 'home: cabin\nmut: 1400\n', /^line 2: mut is not a setting; mtu is one$/],
    ['a file that is a list', '- home\n', /^line 1: home is missing$/],
    ['an empty file', '', /^line 1: the file must be Object, but is null$/],
    ['a bracket that is never closed', 'home: cabin\nhubs: [\n', /^line [23]: /],
    ['a tab for indentation', 'home: cabin\nhubs:\n\t- port: 1\n', /^line 3: /],
    ['an alias of nothing', 'home: *cabin\n', /^line 1: Unresolved alias .*cabin/],
    ['a setting that is there twice', 'home: cabin\nhome: hut\n', /^line 2: .*unique/],
  ])('%s', (_, text, why) => {
    expect(fault(text)).toMatch(why)
  })
})

test('no text makes anything but a problem', () => {
  const lines = fc.array(
    fc.constantFrom(
      'home: a',
      'mtu: 5',
      '  - port: 1',
      'hubs:',
      '&a',
      '*a',
      '%YAML 9',
      '{',
      '"',
      '!!binary x',
      '\t',
      '---',
      '...',
    ),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        lines.map((some) => some.join('\n')),
      ),
      (text) => {
        try {
          parseYaml(text, 'x', Schema)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Problem)
        }
      },
    ),
    { numRuns: 500 },
  )
})

describe('a file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('is read and checked', async () => {
    await writeFile(join(folder, 'agent.yaml'), 'home: cabin # ours\n')
    expect(await readYamlFile(join(folder, 'agent.yaml'), Schema)).toMatchObject({ home: 'cabin' })
  })

  test('that cannot be read is another problem than one that is wrong', async () => {
    const path = join(folder, 'agent.yaml')
    await expect(readYamlFile(path, Schema)).rejects.toMatchObject({
      code: 'config-unreadable',
      what: `reading ${path}`,
    })
    await expect(readYamlFile(folder, Schema)).rejects.toMatchObject({ code: 'config-unreadable' })
  })
})
