import { Refused } from '../refused.ts'

type Shown = Readonly<Record<string, string>>

/**
 * The words that begin with `?` (manual, "API", Queries): each pushes whether a row fits; `?#` works on that stack; what is
 * left is joined by "and".
 */
export function fitsQueries(queries: readonly string[], row: Shown): boolean {
  const stack: boolean[] = []
  for (const query of queries) {
    if (query.startsWith('?#')) operate(stack, query.slice(2))
    else stack.push(fits(query.slice(1), row))
  }
  return stack.every(Boolean)
}

function fits(query: string, row: Shown): boolean {
  const [, operator = '', name = '', , value] = /^([-=<>]?)([^=]*)(=([\s\S]*))?$/.exec(query) ?? []
  const found = row[name]
  if (value === undefined) return operator === '-' ? found === undefined : found !== undefined
  if (found === undefined) return false
  const [a, b] = [comparable(found), comparable(value)]
  if (operator === '<') return a < b
  if (operator === '>') return a > b
  return a === b
}

/** Flags in either spelling are the same value. */
function comparable(value: string): string | number {
  if (value === 'yes') return 'true'
  if (value === 'no') return 'false'
  return /^\d+$/.test(value) ? Number(value) : value
}

function operate(stack: boolean[], operations: string): void {
  for (const operation of operations.match(/\d+\.?|[!&|.]/g) ?? []) {
    if (operation === '!') stack.push(!pop(stack))
    else if (operation === '&') stack.push([pop(stack), pop(stack)].every(Boolean))
    else if (operation === '|') stack.push([pop(stack), pop(stack)].some(Boolean))
    else if (/^\d/.test(operation)) stack.push(stack[stack.length - 1 - Number.parseInt(operation, 10)] ?? false)
  }
}

function pop(stack: boolean[]): boolean {
  const top = stack.pop()
  if (top === undefined) throw new Refused('query stack is empty', 5)
  return top
}
