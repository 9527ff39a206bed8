import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { addTo, formatUciFile, lines, parseUciFile, quote, type UciPackage, type UciSection } from './uci-file.ts'

export interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export const OK: Said = { code: 0, stdout: '', stderr: '' }

/** One change that is staged: what `uci changes` prints. */
type Delta =
  | { readonly act: 'section'; readonly section: string; readonly type: string; readonly isAnonymous: boolean }
  | { readonly act: 'set' | 'add'; readonly section: string; readonly option: string; readonly value: string }
  | { readonly act: 'remove'; readonly section: string; readonly option?: string }

/** The `uci` of a router whose root is a folder: files in /etc/config, what is staged in /tmp/.uci or elsewhere. */
export interface Uci {
  readonly run: (args: readonly string[], stdin: string) => Said
  /** With what is staged in these folders. libuci reads what the command line staged along for everybody (uci_load_delta). */
  readonly load: (config: string, staged?: readonly string[]) => UciPackage
}

const DEFAULT_STAGE = '/tmp/.uci'
const ETC = '/etc/config'

class UciError extends Error {}

export function makeUci(root: string, configs: readonly string[]): Uci {
  /** Where the command of the moment reads and writes files. */
  let folder = ETC
  const fileOf = (config: string): string => join(root, folder, config)
  const stageOf = (folder: string, config: string): string => join(root, folder, config)

  function requireConfig(config: string): void {
    if (!configs.includes(config)) throw new UciError('Entry not found')
  }

  function deltas(folder: string, config: string): readonly Delta[] {
    const file = stageOf(folder, config)
    if (!existsSync(file)) return []
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Delta)
  }

  function load(config: string, staged: readonly string[] = [DEFAULT_STAGE]): UciPackage {
    requireConfig(config)
    const sections = existsSync(fileOf(config)) ? parseUciFile(readFileSync(fileOf(config), 'utf8')) : []
    return staged.flatMap((folder) => deltas(folder, config)).reduce(applyDelta, sections)
  }

  function put(folder: string, config: string, delta: Delta): void {
    mkdirSync(join(root, folder), { recursive: true, mode: 0o700 })
    writeFileSync(stageOf(folder, config), `${JSON.stringify(delta)}\n`, { flag: 'a', mode: 0o600 })
  }

  function commit(config: string, staged: readonly string[]): void {
    const all = staged.flatMap((folder) => deltas(folder, config))
    if (all.length === 0) return
    const text = formatUciFile(all.reduce(applyDelta, load(config, [])))
    const fresh = join(root, 'etc/config', `.${config}.uci-new`)
    try {
      writeFileSync(fresh, text, { mode: 0o600 })
    } catch (thrown) {
      // Nobody there looks whether it could be written (uci's file.c, uci_file_commit): what there is takes the old one's place.
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOSPC') throw thrown
    }
    renameSync(fresh, fileOf(config))
    for (const folder of staged) rmSync(stageOf(folder, config), { force: true })
  }

  /** One command, without the options before it. @throws {UciError} */
  function command([verb = '', ...args]: readonly string[], stage: string, stdin: string): string {
    // What the command line's own stage holds is seen and written along, whatever -t says.
    const stages = stage === DEFAULT_STAGE ? [stage] : [DEFAULT_STAGE, stage]
    const [first, ...more] = args
    const only = (count: number): void => {
      if (args.length > count) throw new UciError('Too many arguments')
    }
    switch (verb) {
      case 'show': {
        only(1)
        return (first === undefined ? configs : [first.split('.')[0] ?? ''])
          .map((config) => show(config, load(config, stages), first))
          .join('')
      }
      case 'export':
        only(1)
        return (first === undefined ? configs : [first])
          .map((config) => formatUciFile(load(config, stages), config))
          .join('')
      case 'get': {
        only(1)
        const { config, section, option } = pathOf(first)
        const found = find(load(config, stages), section)
        if (found === undefined) throw new UciError('Entry not found')
        if (option === undefined) return `${found.type}\n`
        const value = found.options.get(option)
        if (value === undefined) throw new UciError('Entry not found')
        return `${typeof value === 'string' ? value : value.join(' ')}\n`
      }
      case 'changes':
        only(1)
        return (first === undefined ? configs : [first])
          .flatMap((config) =>
            stages.flatMap((folder) => deltas(folder, config)).map((delta) => deltaText(config, delta)),
          )
          .map((line) => `${line}\n`)
          .join('')
      case 'commit':
        only(1)
        for (const config of first === undefined ? configs : [first]) {
          requireConfig(config)
          commit(config, stages)
        }
        return ''
      case 'revert':
        only(1)
        if (first === undefined || first.includes('.')) throw new UciError('Invalid argument')
        requireConfig(first)
        rmSync(stageOf(stage, first), { force: true })
        return ''
      case 'add': {
        only(2)
        const [type = ''] = more
        const config = first ?? ''
        requireConfig(config)
        const name = `cfg${load(config, stages).length.toString(16).padStart(2, '0')}f${Date.now().toString(16).slice(-5)}`
        put(stage, config, { act: 'section', section: name, type, isAnonymous: true })
        return `${name}\n`
      }
      case 'set':
      case 'add_list':
      case 'delete':
      case 'del': {
        only(1)
        change(verb, first, stage, stages)
        return ''
      }
      case 'batch': {
        for (const { words } of lines(stdin)) said.push(quietly(() => command(words, stage, '')))
        return ''
      }
      default:
        throw new UciError('Invalid argument')
    }
  }

  /** Of a batch: its lines fail one by one, and it ends well all the same. */
  let said: string[] = []
  function quietly(act: () => string): string {
    try {
      act()
      return ''
    } catch (thrown) {
      if (!(thrown instanceof UciError)) throw thrown
      return `uci: ${thrown.message}\n`
    }
  }

  function change(verb: string, argument: string | undefined, stage: string, stages: readonly string[]): void {
    const at = argument?.indexOf('=') ?? -1
    const path = pathOf(at < 0 ? argument : argument?.slice(0, at))
    const value = at < 0 ? null : (argument ?? '').slice(at + 1)
    const { config, section: asked, option } = path
    const there = find(load(config, stages), asked)
    const section = there?.name ?? asked
    if (verb === 'delete' || verb === 'del' || value === '') {
      if (there === undefined || (option !== undefined && !there.options.has(option)))
        throw new UciError('Entry not found')
      return put(stage, config, { act: 'remove', section, ...(option === undefined ? {} : { option }) })
    }
    if (value === null) throw new UciError('Invalid argument')
    if (option === undefined) {
      if (!/^\w+$/.test(section) || !/^[\w-]+$/.test(value)) throw new UciError('Invalid argument')
      return put(stage, config, { act: 'section', section, type: value, isAnonymous: false })
    }
    if (!/^\w+$/.test(option) || there === undefined) throw new UciError('Invalid argument')
    put(stage, config, { act: verb === 'set' ? 'set' : 'add', section, option, value })
  }

  function pathOf(path = ''): { readonly config: string; readonly section: string; readonly option?: string } {
    const [config = '', section = '', option, ...rest] = path.split('.')
    if (section === '' || rest.length > 0) throw new UciError('Invalid argument')
    requireConfig(config)
    return { config, section, ...(option === undefined ? {} : { option }) }
  }

  return {
    load,
    run: (args, stdin) => {
      let rest = [...args]
      let stage = DEFAULT_STAGE
      let isQuiet = false
      for (; rest[0]?.startsWith('-') === true; rest = rest.slice(1)) {
        if (rest[0] === '-q') isQuiet = true
        else if (rest[0] === '-c') {
          folder = rest[1] ?? ''
          rest = rest.slice(1)
        } else if (rest[0] === '-t') {
          stage = rest[1] ?? ''
          rest = rest.slice(1)
        } else return { code: 1, stdout: '', stderr: `uci: the simulated uci does not know ${rest[0]}\n` }
      }
      said = []
      try {
        const stdout = command(rest, stage, stdin)
        return { code: 0, stdout, stderr: said.join('') }
      } catch (thrown) {
        if (!(thrown instanceof UciError) && !(thrown instanceof SyntaxError)) throw thrown
        return { code: 1, stdout: '', stderr: isQuiet ? '' : `uci: ${thrown.message}\n` }
      } finally {
        folder = ETC
      }
    },
  }
}

/** By name, or `@type[index]`. */
function find(sections: UciPackage, name: string): UciSection | undefined {
  const [, type, index] = /^@(\w+)\[(-?\d+)\]$/.exec(name) ?? []
  if (type === undefined) return sections.find((section) => section.name === name)
  return sections.filter((section) => section.type === type).at(Number(index))
}

function applyDelta(sections: UciPackage, delta: Delta): UciPackage {
  const there = sections.find(({ name }) => name === delta.section)
  switch (delta.act) {
    case 'section': {
      const made: UciSection = {
        name: delta.section,
        isAnonymous: delta.isAnonymous,
        type: delta.type,
        options: there?.options ?? new Map(),
      }
      return there === undefined ? [...sections, made] : sections.map((one) => (one === there ? made : one))
    }
    case 'remove':
      if (delta.option === undefined) return sections.filter((one) => one !== there)
      there?.options.delete(delta.option)
      return sections
    case 'set':
      there?.options.set(delta.option, delta.value)
      return sections
    case 'add':
      if (there !== undefined) addTo(there, delta.option, delta.value)
      return sections
    default:
      return delta satisfies never
  }
}

function show(config: string, sections: UciPackage, path = config): string {
  const [, only] = path.split('.')
  return sections
    .filter((section) => only === undefined || find(sections, only) === section)
    .flatMap((section) => {
      const sameType = sections.filter(({ type }) => type === section.type)
      const name = section.isAnonymous ? `@${section.type}[${sameType.indexOf(section)}]` : section.name
      return [
        `${config}.${name}=${section.type}`,
        ...[...section.options].map(
          ([option, value]) =>
            `${config}.${name}.${option}=${(typeof value === 'string' ? [value] : value).map(quote).join(' ')}`,
        ),
      ]
    })
    .map((line) => `${line}\n`)
    .join('')
}

function deltaText(config: string, delta: Delta): string {
  switch (delta.act) {
    case 'section':
      return `${config}.${delta.section}='${delta.type}'`
    case 'set':
      return `${config}.${delta.section}.${delta.option}=${quote(delta.value)}`
    case 'add':
      return `${config}.${delta.section}.${delta.option}+=${quote(delta.value)}`
    case 'remove':
      return `-${config}.${delta.section}${delta.option === undefined ? '' : `.${delta.option}`}`
    default:
      return delta satisfies never
  }
}
