import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { Script } from 'node:vm'
import * as fc from 'fast-check'
import { expect } from 'vitest'

export interface Case {
  readonly name: string
  readonly run: () => unknown
}

/** A module, compiled to CommonJS. */
export type Compiled = (exports: object, requires: (specifier: string) => unknown, module: object) => void

/** Properties find a mutant in their first runs, or seldom; and the same ones each time. */
const MOST_RUNS = 25

const requireVendor = createRequire(resolve('package.json'))

export function compiledFrom(code: string, path: string): Compiled {
  const script = new Script(`(function (exports, require, module) {${code}\n})`, { filename: path })
  return script.runInThisContext() as Compiled
}

/**
 * The cases of a test file, which is evaluated again with all that it imports of ours, so that constants are read again.
 * @param onLoad is told of each file of ours that it stands on; imports of types alone are none.
 */
export function casesOf(
  path: string,
  compiled: (path: string) => Compiled,
  onLoad: (path: string) => void = () => undefined,
): readonly Case[] {
  const cases: Case[] = []
  const groups: string[] = []
  const test = (name: string, run: () => unknown): void => void cases.push({ name: [...groups, name].join(' > '), run })
  const describe = (name: string, group: () => void): void => {
    groups.push(name)
    group()
    groups.pop()
  }
  const each =
    (register: (name: string, run: () => void) => void) =>
    (rows: readonly unknown[]) =>
    (name: string, run: (...row: readonly unknown[]) => void): void =>
      rows.forEach((row, index) => register(`${name} #${index}`, () => run(...(Array.isArray(row) ? row : [row]))))
  const own: Readonly<Record<string, unknown>> = {
    vitest: {
      expect,
      describe: Object.assign(describe, { each: each(describe) }),
      test: Object.assign(test, { each: each(test) }),
    },
    'fast-check': { ...fc, assert: shortened },
  }
  const modules = new Map<string, { exports: object }>()
  function load(path: string): object {
    const known = modules.get(path)
    if (known !== undefined) return known.exports
    const module = { exports: {} }
    modules.set(path, module)
    onLoad(path)
    compiled(path)(
      module.exports,
      (specifier) => {
        if (specifier.startsWith('.')) return load(resolve(dirname(path), specifier))
        return own[specifier] ?? requireVendor(specifier)
      },
      module,
    )
    return module.exports
  }
  load(path)
  return cases
}

function shortened<Inputs>(property: fc.IRawProperty<Inputs>, parameters: fc.Parameters<Inputs> = {}): unknown {
  const numRuns = Math.min(MOST_RUNS, parameters.numRuns ?? MOST_RUNS)
  return fc.assert(property, { ...parameters, numRuns, seed: 1, endOnFailure: true })
}
