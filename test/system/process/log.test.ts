import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const SAYS = `
import { makeLog } from '../../../system/process/log.ts'
const said = JSON.parse(process.argv[2])
makeLog('agent').warn({ why: said }, said)
`

test('a line of the log does nothing to a terminal, and says the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-log-'))
  try {
    const program = join(folder, 'says.mjs')
    await build({
      stdin: { contents: SAYS, resolveDir: dirname(fileURLToPath(import.meta.url)) },
      outfile: program,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    })
    const said = 'a\u001b[2Jb\u009b31mc\u202ed\u2028e\u007ff'
    const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(said)])
    expect(stdout.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    expect(JSON.parse(stdout)).toMatchObject({ why: said, msg: said })
  } finally {
    await rm(folder, { recursive: true })
  }
})
