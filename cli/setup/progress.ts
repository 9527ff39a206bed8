import { tell } from '../output.ts'

const AGAIN_MS = 5_000

/** Something that lasts, as people see it. */
export interface Progress {
  readonly end: () => void
}

/** Says what is being done, and every five seconds that it still is. */
export function beginProgress(doing: string): Progress {
  const from = performance.now()
  tell(`${doing} …`)
  const timer = setInterval(() => tell(`  … ${((performance.now() - from) / 1_000).toFixed(0)} s`), AGAIN_MS)
  return { end: () => clearInterval(timer) }
}

export async function withProgress<Result>(doing: string, act: () => Promise<Result>): Promise<Result> {
  const progress = beginProgress(doing)
  try {
    return await act()
  } finally {
    progress.end()
  }
}
