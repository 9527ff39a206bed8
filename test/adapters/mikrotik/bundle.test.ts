import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { sentence, startRawRouter } from './raw-router.ts'

/** Asks one question and prints the answer. */
const PROGRAM = `
import { openSession } from './adapters/mikrotik/api/api.ts'
const port = Number(process.argv[2])
const password = () => Promise.resolve('x')
const signal = AbortSignal.timeout(10_000)
const session = await openSession({ host: '127.0.0.1', port, user: 'x', password, certificate: null }, signal)
console.log(JSON.stringify(await session.exec({ command: '/interface/print' }, signal)))
session.close()
`

test('the library works in a bundle as it does from node_modules, whatever ENV says', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-bundle-'))
  const router = await startRawRouter((_words, tag, socket) => socket.write(sentence('!done', '=ret=*1', tag)))
  try {
    const require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
    await build({
      stdin: { contents: PROGRAM, resolveDir: process.cwd(), loader: 'ts', sourcefile: 'probe.ts' },
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      banner: { js: require },
    })
    const args = [join(folder, 'stdin.mjs'), String(router.port)]
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ENV: 'testing' } })
    expect(JSON.parse(stdout)).toEqual({ rows: [], ret: '*1' })
  } finally {
    await router.close()
    await rm(folder, { recursive: true })
  }
})
