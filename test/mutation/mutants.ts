import { type Node, parseSync, visitorKeys } from 'oxc-parser'

/** One small fault, as an edit of the source. */
export interface Mutant {
  readonly start: number
  readonly end: number
  readonly replacement: string
  /** Counted from 1. */
  readonly line: number
  /** What it takes away and puts there, in one line. */
  readonly what: string
}

type Edit = Pick<Mutant, 'start' | 'end' | 'replacement'>

const SWAPPED: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
}

const SWAPPED_CALLS: Readonly<Record<string, string>> = { min: 'max', max: 'min', some: 'every', every: 'some' }

/** Without them everything is let through, or all of it is kept. */
const BOUNDING_CALLS: readonly string[] = ['filter', 'slice', 'toSorted', 'trim', 'floor', 'ceil', 'round', 'trunc']

/** Every small fault that can be put into this source, in its order. Types and what can never be reached stay as they are. */
export function mutantsOf(source: string): readonly Mutant[] {
  const { program, errors } = parseSync('source.ts', source)
  if (errors.length > 0) throw new Error(errors[0]?.message)
  const edits: Edit[] = []
  walk(program, null, (node, parent) => void edits.push(...editsOf(node, parent, source)))
  return edits
    .sort((a, b) => a.start - b.start || a.end - b.end)
    .map((edit) => ({
      ...edit,
      line: source.slice(0, edit.start).split('\n').length,
      what: `${oneLine(source.slice(edit.start, edit.end))} → ${oneLine(edit.replacement)}`,
    }))
}

export function applied(source: string, { start, end, replacement }: Mutant): string {
  return source.slice(0, start) + replacement + source.slice(end)
}

function walk(node: Node, parent: Node | null, visit: (node: Node, parent: Node | null) => void): void {
  if (isType(node) || isNeverReached(node)) return
  visit(node, parent)
  for (const key of visitorKeys[node.type] ?? []) {
    const child: unknown = (node as unknown as Record<string, unknown>)[key]
    for (const one of Array.isArray(child) ? child : [child]) if (isNode(one)) walk(one, node, visit)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value
}

const WITH_VALUES: readonly string[] = ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']

function isType({ type }: Node): boolean {
  return type === 'ImportDeclaration' || (type.startsWith('TS') && !WITH_VALUES.includes(type))
}

/** `default: return kind satisfies never` */
function isNeverReached(node: Node): boolean {
  return node.type === 'SwitchCase' && node.test === null && node.consequent.some(endsInNever)
}

function endsInNever(node: Node): boolean {
  const value =
    node.type === 'ReturnStatement' ? node.argument : node.type === 'ExpressionStatement' ? node.expression : null
  return value?.type === 'TSSatisfiesExpression' && value.typeAnnotation.type === 'TSNeverKeyword'
}

function editsOf(node: Node, parent: Node | null, source: string): readonly Edit[] {
  const text = (one: Node): string => source.slice(one.start, one.end)
  const instead = (replacement: string, { start, end }: Node = node): Edit => ({ start, end, replacement })
  switch (node.type) {
    case 'Literal':
      if (typeof node.value === 'boolean') return [instead(String(!node.value))]
      if (typeof node.value !== 'number' || isKey(node, parent)) return []
      return [instead(String(node.value + 1)), instead(bracketed(node.value - 1))]
    case 'Identifier':
      return node.name === 'Infinity' && !isKey(node, parent) ? [instead('0')] : []
    case 'BinaryExpression': {
      const gap = { start: node.left.end, end: node.right.start }
      return (SWAPPED[node.operator] ?? []).map((other) => ({ ...gap, replacement: ` ${other} ` }))
    }
    case 'LogicalExpression': {
      const alone = [instead(`(${text(node.left)})`), instead(`(${text(node.right)})`)]
      if (node.operator === '??') return alone
      const other = node.operator === '&&' ? '||' : '&&'
      return [instead(`((${text(node.left)}) ${other} (${text(node.right)}))`), ...alone]
    }
    case 'UnaryExpression':
      return node.operator === '!' || node.operator === '-' ? [instead(text(node.argument))] : []
    case 'IfStatement':
    case 'ConditionalExpression':
      return [instead('true', node.test), instead('false', node.test)]
    case 'ExpressionStatement':
      return [instead(';')]
    case 'ReturnStatement':
      // Without it an `if` is one whose condition is false.
      return parent?.type === 'IfStatement' && parent.alternate === null ? [] : [instead(';')]
    case 'CallExpression': {
      const { callee } = node
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return []
      const { name } = callee.property
      const other = SWAPPED_CALLS[name]
      if (other !== undefined) return [instead(other, callee.property)]
      if (!BOUNDING_CALLS.includes(name)) return []
      const [argument] = node.arguments
      const isOfMath = callee.object.type === 'Identifier' && callee.object.name === 'Math'
      return [instead(isOfMath && argument !== undefined ? `(${text(argument)})` : text(callee.object))]
    }
    case 'ObjectExpression':
      // What a new state says otherwise than the one before is said for a reason.
      if (!node.properties.some(({ type }) => type === 'SpreadElement')) return []
      return node.properties.filter(({ type }) => type === 'Property').map((one) => without(one, source))
    case 'ArrayExpression':
      return node.elements.filter((one) => one !== null).map((one) => without(one, source))
    default:
      return []
  }
}

function isKey(node: Node, parent: Node | null): boolean {
  if (parent?.type === 'Property') return parent.key === node && !parent.computed && !parent.shorthand
  return parent?.type === 'MemberExpression' && parent.property === node && !parent.computed
}

function without({ start, end }: Node, source: string): Edit {
  const comma = /^\s*,/.exec(source.slice(end))
  return { start, end: end + (comma?.[0].length ?? 0), replacement: '' }
}

/** `2 - -1` and `2 ** -1`. */
const bracketed = (number: number): string => (number < 0 ? `(${number})` : String(number))

const oneLine = (text: string): string => text.trim().replaceAll(/\s+/g, ' ') || 'nothing'
