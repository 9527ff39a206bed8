export interface WaitForLine {
  readonly timeoutMs?: number
  /** Lines before this one do not count. */
  readonly after?: number
}

/** The lines a program writes, in order of arrival, for whoever waits for one of them. */
export interface LineLog {
  readonly count: number
  add(stream: 'stdout' | 'stderr', chunk: string): void
  end(): void
  waitFor(pattern: RegExp, options: WaitForLine & { readonly describe: () => string }): Promise<RegExpExecArray>
}

interface Waiter {
  readonly pattern: RegExp
  readonly after: number
  readonly found: (match: RegExpExecArray) => void
  readonly ended: () => void
}

const KEPT_LINES = 5000

export function createLineLog(): LineLog {
  const lines: string[] = []
  const partial = { stdout: '', stderr: '' }
  const waiters = new Set<Waiter>()
  let count = 0
  let ended = false

  function take(line: string): void {
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
    count += 1
    for (const waiter of waiters) {
      const match = count > waiter.after ? waiter.pattern.exec(line) : null
      if (match !== null) waiter.found(match)
    }
  }

  return {
    get count() {
      return count
    },

    add(stream, chunk) {
      const pieces = (partial[stream] + chunk).split('\n')
      partial[stream] = pieces.pop() ?? ''
      for (const line of pieces) take(line)
    },

    end() {
      for (const rest of Object.values(partial)) if (rest !== '') take(rest)
      ended = true
      for (const waiter of waiters) waiter.ended()
    },

    waitFor(pattern, { timeoutMs = 60_000, after = 0, describe }) {
      const firstKept = count - lines.length
      for (const line of lines.slice(Math.max(0, after - firstKept))) {
        const match = pattern.exec(line)
        if (match !== null) return Promise.resolve(match)
      }
      return new Promise((resolve, reject) => {
        const settle = (done: () => void) => {
          clearTimeout(late)
          waiters.delete(waiter)
          done()
        }
        const fail = (why: string) => settle(() => reject(new Error(`no line like ${pattern} ${why}: ${describe()}`)))
        const late = setTimeout(() => fail(`within ${timeoutMs / 1000} s`), timeoutMs)
        const waiter: Waiter = {
          pattern,
          after,
          found: (match) => settle(() => resolve(match)),
          ended: () => fail('before it ended'),
        }
        waiters.add(waiter)
        if (ended) waiter.ended()
      })
    },
  }
}
