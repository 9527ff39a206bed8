import { readFile } from 'node:fs/promises'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { isThere } from '../../system/files/is-there.ts'
import { type GivenOptions, type OptionName, OPTIONS, readOptions, variableOf } from './options.ts'

/** Where Home Assistant puts what was written into an app's form (developers.home-assistant.io, "App configuration"). */
const FORM = '/data/options.json'

/**
 * The options of this container: Home Assistant's form where there is one, and nothing but it; else the environment.
 * @throws {Problem} `wrong-usage`, `config-invalid`, `config-unreadable`.
 */
export async function givenOptions(
  environment: Readonly<Record<string, string | undefined>>,
  form = FORM,
): Promise<GivenOptions> {
  if (await isThere(form)) return readOptions(await readForm(form), (name) => `${name} in ${form}`)
  const given: Record<string, unknown> = {}
  for (const name of Object.keys(OPTIONS) as OptionName[]) {
    const variable = variableOf(name)
    given[name] = environment[variable]
    const file = environment[`${variable}_FILE`]
    if (OPTIONS[name].secret && file !== undefined && file !== '')
      given[name] = await readGiven(`${variable}_FILE`, file)
  }
  return readOptions(given, (name) => variableOf(name as OptionName))
}

async function readForm(path: string): Promise<Record<string, unknown>> {
  const what = `reading ${path}`
  try {
    const read: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read as Record<string, unknown>
  } catch {
    // What a parser says of it would quote it, and with it the token.
  }
  throw new Problem('config-invalid', { what, why: 'it is no object of JSON' })
}

async function readGiven(variable: string, path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (thrown) {
    throw new Problem('config-unreadable', {
      what: `reading the file that ${variable} names`,
      why: reasonOf(thrown),
      cause: thrown,
    })
  }
}
