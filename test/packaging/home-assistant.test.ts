import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { OPTIONS, type OptionName } from '../../cli/container/options.ts'
import { filledIn } from '../../packaging/image/files-beside.ts'
import { HOME_ASSISTANT_ARCHITECTURES } from '../../packaging/image/image.ts'
import { readApp } from '../image/plan.ts'

/** Types of an option (developers.home-assistant.io, "App configuration", "Options / Schema"). */
const element = v.pipe(
  v.string(),
  v.regex(
    /^(?:bool|email|url|port|device(?:\(.+\))?|(?:str|password|int)(?:\(-?\d*,-?\d*\))?|float(?:\([-\d.]*,[-\d.]*\))?|match\(.+\)|list\(.+\))\??$/,
  ),
)

/** The documented keys that we use, each as it is documented. A misspelt one is ignored by Home Assistant, and not here. */
const AppSchema = v.strictObject({
  name: v.string(),
  version: v.string(),
  slug: v.pipe(v.string(), v.regex(/^[-_.A-Za-z0-9]+$/)),
  description: v.string(),
  url: v.pipe(v.string(), v.url()),
  // Supervisor, validate.py, docker_image: a name without a tag.
  image: v.pipe(v.string(), v.regex(/^([a-zA-Z\-.:\d{}]+\/)*?([-\w{}]+)\/([-\w{}]+)$/)),
  arch: v.array(v.picklist(['aarch64', 'amd64'])),
  startup: v.picklist(['initialize', 'system', 'services', 'application', 'once']),
  boot: v.picklist(['auto', 'manual', 'manual_only']),
  host_network: v.boolean(),
  privileged: v.array(v.picklist(['NET_ADMIN', 'NET_RAW', 'SYS_ADMIN', 'SYS_MODULE'])),
  devices: v.array(v.pipe(v.string(), v.regex(/^\/dev\/[^:]+$/))),
  backup: v.picklist(['hot', 'cold']),
  backup_exclude: v.array(v.string()),
  timeout: v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(300)),
  options: v.record(v.string(), v.unknown()),
  schema: v.record(v.string(), v.union([element, v.tuple([element])])),
})

const ofHome = (Object.keys(OPTIONS) as OptionName[]).filter((name) => OPTIONS[name].of === 'home')

describe('the app for Home Assistant', () => {
  test('is configured as Home Assistant documents it', async () => {
    const text = filledIn(await readFile('packaging/home-assistant/config.yaml', 'utf8'), '0.2.0+g01')
    const read = v.parse(AppSchema, parse(text))
    expect(read.version).toBe('0.2.0-g01')
    expect(read.arch.toSorted()).toEqual(Object.values(HOME_ASSISTANT_ARCHITECTURES).toSorted())
    expect(text).not.toMatch(/@[A-Z]+@/)
  })

  test('has each option of a home in its form, and words for it', async () => {
    const { schema, options } = await readApp()
    expect(Object.keys(schema).toSorted()).toEqual(ofHome.toSorted())
    const { configuration } = parse(await readFile('packaging/home-assistant/translations/en.yaml', 'utf8'))
    expect(Object.keys(configuration).toSorted()).toEqual(ofHome.toSorted())
    // What has a default cannot be left out, and null must be filled in: the token alone is asked for.
    expect(options).toEqual({ token: null })
    for (const [name, type] of Object.entries(schema)) expect(String(type).endsWith('?'), name).toBe(name !== 'token')
  })

  test('hides the token in its form', async () => {
    const { schema } = await readApp()
    for (const name of ofHome) expect(String(schema[name]).startsWith('password')).toBe(OPTIONS[name].secret)
  })
})
