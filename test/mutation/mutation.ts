/**
 * Puts small faults into the sources of a core, one at a time, and sees whether a test of that core fails.
 *
 *   npm run test:mutation                                 every core
 *   npm run test:mutation -- agent/core hub/core          these
 *   npm run test:mutation -- agent/core/evidence/evidence.ts       one file, while its tests are written
 */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { Script } from 'node:vm'
import { transform } from 'esbuild'
import { applied, type Mutant, mutantsOf } from './mutants.ts'
import { SURVIVORS } from './survivors/survivors.ts'
import { type Case, casesOf, type Compiled, compiledFrom } from './test-file.ts'

const CORES = ['agent/core', 'alerts/core', 'hub/core']

/** Tests that are as pure, and stand in another room: what a home may do is asked by every change that it makes. */
const BESIDE: Readonly<Record<string, readonly string[]>> = { 'hub/core': ['test/hub/rights'] }

/** Far beyond what any test takes: whoever runs into it goes round in circles. */
const LONGEST_MS = 60_000

/** Only a script can be interrupted. */
const UNDER_WAY = new Script('homewardRun()')

interface TestFile {
  readonly path: string
  /** Without a fault. */
  readonly tookMs: number
  /** The quickest first. */
  readonly names: readonly string[]
  /** What it stands on: no fault elsewhere can make it fail. */
  readonly loads: ReadonlySet<string>
}

const compiled = new Map<string, Compiled>()
const asked = process.argv.slice(2)
let killed = 0
let all = 0
for (const place of asked.length > 0 ? asked : CORES.filter((core) => existsSync(core))) {
  if (!existsSync(place)) throw new Error(`There is no ${place}.`)
  const isFile = place.endsWith('.ts')
  await mutated(isFile ? dirname(place) : place, isFile ? [place] : await found(place, '.ts'))
}
process.stdout.write(`${score(killed, all)} of all\n`)

async function mutated(core: string, sources: readonly string[]): Promise<void> {
  const paths: string[] = []
  for (const place of [`test/${core}`, ...(BESIDE[core] ?? [])]) paths.push(...(await found(place, '.test.ts')))
  const tests = await triedWithoutFault(paths.filter((path) => !path.endsWith('.lab.test.ts')))
  for (const path of sources) {
    const source = await readFile(path, 'utf8')
    const survivors: Mutant[] = []
    const mutants = mutantsOf(source)
    for (const mutant of mutants)
      if (!(await isKilled(tests, resolve(path), await compile(applied(source, mutant), path)))) survivors.push(mutant)
    killed += mutants.length - survivors.length
    all += mutants.length
    if (mutants.length > 0)
      process.stdout.write(`${score(mutants.length - survivors.length, mutants.length)} ${path}\n`)
    report(path, source, survivors)
  }
}

function report(path: string, source: string, survivors: readonly Mutant[]): void {
  const lines = source.split('\n')
  const known = SURVIVORS.filter((one) => one.path === path)
  const isKnown = (one: (typeof SURVIVORS)[number], { what, line }: Mutant): boolean =>
    one.mutants.includes(what) && lines[line - 1]?.includes(one.at) === true
  for (const mutant of survivors)
    if (!known.some((one) => isKnown(one, mutant)))
      process.stdout.write(`  survived, line ${mutant.line}: ${mutant.what}\n    ${lines[mutant.line - 1]?.trim()}\n`)
  for (const one of known)
    for (const what of one.mutants)
      if (!survivors.some((mutant) => mutant.what === what && isKnown(one, mutant)))
        process.stdout.write(`  listed among the survivors, and none: ${what}\n    ${one.at}\n`)
}

async function triedWithoutFault(paths: readonly string[]): Promise<readonly TestFile[]> {
  const files: TestFile[] = []
  for (const path of paths) {
    const begunAt = performance.now()
    const took: { readonly name: string; readonly ms: number }[] = []
    const { cases, loads } = await compiledCases(path)
    for (const one of cases) {
      const at = performance.now()
      await tried(one)
      took.push({ name: one.name, ms: performance.now() - at })
    }
    const names = took.sort((a, b) => a.ms - b.ms).map(({ name }) => name)
    files.push({ path, names, loads, tookMs: performance.now() - begunAt })
  }
  return files.sort((a, b) => a.tookMs - b.tookMs)
}

async function isKilled(files: readonly TestFile[], mutatedPath: string, mutant: Compiled): Promise<boolean> {
  for (const { path, names } of files.filter(({ loads }) => loads.has(mutatedPath)))
    try {
      const find = (one: string): Compiled => (one === mutatedPath ? mutant : (compiled.get(one) ?? missing(one)))
      const cases = limited(() => casesOf(resolve(path), find)) as readonly Case[]
      const byName = new Map(cases.map((one) => [one.name, one]))
      for (const name of names) await tried(byName.get(name) ?? missing(name))
    } catch {
      return true
    }
  return false
}

/** All that it imports of ours is compiled before. */
async function compiledCases(
  path: string,
): Promise<{ readonly cases: readonly Case[]; readonly loads: ReadonlySet<string> }> {
  const waiting = [resolve(path)]
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (compiled.has(one)) continue
    const source = await readFile(one, 'utf8')
    compiled.set(one, await compile(source, one))
    for (const [, specifier = ''] of source.matchAll(/ from '(\.[^']+)'/g))
      waiting.push(resolve(dirname(one), specifier))
  }
  const loads = new Set<string>()
  const cases = casesOf(
    resolve(path),
    (one) => compiled.get(one) ?? missing(one),
    (one) => void loads.add(one),
  )
  return { cases, loads }
}

async function compile(source: string, path: string): Promise<Compiled> {
  const { code } = await transform(source, { loader: 'ts', format: 'cjs', target: 'node20', sourcefile: path })
  return compiledFrom(code, path)
}

async function tried({ run }: Case): Promise<void> {
  const ended = limited(run)
  if (!(ended instanceof Promise)) return
  const late = AbortSignal.timeout(LONGEST_MS)
  await Promise.race([
    ended,
    new Promise((_, reject) => late.addEventListener('abort', () => reject(new Error('It does not end.')))),
  ])
}

/** Ends also what goes round in circles. */
function limited(run: () => unknown): unknown {
  Object.assign(globalThis, { homewardRun: run })
  return UNDER_WAY.runInThisContext({ timeout: LONGEST_MS })
}

async function found(folder: string, ending: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true })
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort()
}

function score(killed: number, all: number): string {
  return `${((100 * killed) / Math.max(1, all)).toFixed(1)} % (${killed}/${all})`
}

function missing(what: string): never {
  throw new Error(`${what} is not there.`)
}
