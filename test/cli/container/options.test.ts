import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tokenMark } from '../../../cli/container/acted.ts'
import { givenOptions } from '../../../cli/container/given-options.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-options-'))
})
afterAll(() => rm(folder, { recursive: true }))

const missing = (): string => join(folder, 'no-options.json')
const ofForm = async (text: string) => {
  const form = join(folder, 'options.json')
  await writeFile(form, text)
  return await givenOptions({ HOMEWARD_ADDRESS: 'vps.example.org' }, form)
}

describe('in the environment', () => {
  test('lists have commas, and what is empty was not given', async () => {
    const environment = {
      HOMEWARD_TOKEN: '',
      HOMEWARD_LAN: '192.168.1.0/24, 10.1.0.0/16=10.9.0.0/16',
      HOMEWARD_ECONOMY: 'yes',
      HOMEWARD_PORT: '443',
      HOMEWARD_ALTERNATE_PORTS: '',
    }
    expect(await givenOptions(environment, missing())).toEqual({
      lan: ['192.168.1.0/24', '10.1.0.0/16=10.9.0.0/16'],
      economy: true,
      port: 443,
    })
  })

  test('a token comes in a file too, which may be empty', async () => {
    const file = join(folder, 'token')
    await writeFile(file, 'hw1.a.b\n')
    expect(await givenOptions({ HOMEWARD_TOKEN_FILE: file }, missing())).toEqual({ token: 'hw1.a.b' })
    await writeFile(file, '\n')
    expect(await givenOptions({ HOMEWARD_TOKEN_FILE: file }, missing())).toEqual({})
    await expect(givenOptions({ HOMEWARD_TOKEN_FILE: `${file}.none` }, missing())).rejects.toThrow(
      'reading the file that HOMEWARD_TOKEN_FILE names failed',
    )
  })

  test.each([
    ['HOMEWARD_LAN', '192.168.1.0', '192.168.1.0/24'],
    ['HOMEWARD_ECONOMY', 'perhaps', 'yes or no'],
    ['HOMEWARD_PORT', '70000', 'port'],
    ['HOMEWARD_PORT', 'x', 'port'],
    ['HOMEWARD_ADDRESS', 'not a name', 'HOMEWARD_ADDRESS'],
    ['HOMEWARD_NETWORK', '10.86.0.0', 'HOMEWARD_NETWORK'],
  ])('%s=%s is refused, with its name and the reason', async (variable, value, why) => {
    const refused = givenOptions({ [variable]: value }, missing())
    await expect(refused).rejects.toMatchObject({ code: 'wrong-usage', what: `reading the option ${variable}` })
    await expect(refused).rejects.toThrow(why)
    await expect(refused).rejects.toThrow(value)
  })
})

describe('in Home Assistant’s form', () => {
  test('nothing but the form counts', async () => {
    expect(await ofForm('{"token": "hw1.a.b", "lan": ["192.168.1.0/24"], "economy": false}')).toEqual({
      token: 'hw1.a.b',
      lan: ['192.168.1.0/24'],
      economy: false,
    })
    expect(await ofForm('{"token": null, "lan": []}')).toEqual({})
  })
  test.each([
    ['{"lan": ["x"]}', 'reading the option lan in'],
    ['{"lan": [7]}', 'reading the option lan in'],
    ['{"economy": "perhaps"}', 'reading the option economy in'],
    ['{"lann": ["192.168.1.0/24"]}', 'there is no such option'],
    ['{', 'it is no object of JSON'],
    ['[]', 'it is no object of JSON'],
  ])('%s is refused', async (text, why) => {
    await expect(ofForm(text)).rejects.toThrow(why)
  })
  test('a token that is none is not repeated', async () => {
    await expect(ofForm('{"token": 8731}')).rejects.toThrow(/^(?!.*8731).*reading the option token in/)
  })
})

test('a token is the same however it was pasted', () => {
  expect(tokenMark('hw1.a\n.b ')).toBe(tokenMark('hw1.a.b'))
  expect(tokenMark('hw1.a.b')).not.toBe(tokenMark('hw1.a.c'))
})
