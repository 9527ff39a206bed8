import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'

let lab: Lab
let host: Host
let script: string
beforeAll(async () => {
  lab = await createLab()
  ;[host] = (await lab.addHosts([{ name: 'machine' }])) as [Host]
  script = join(lab.folder, 'atomic-file.mjs')
  await build({
    entryPoints: [fileURLToPath(new URL('../../../system/files/atomic-file.ts', import.meta.url))],
    outfile: script,
    bundle: true,
    format: 'esm',
    platform: 'node',
  })
})
afterAll(() => lab?.close())

/** Writes a file of so many bytes on the host; what came of it. */
async function write(path: string, bytes: number): Promise<string> {
  const call = `import(${JSON.stringify(script)}).then(({ writeFileAtomic }) => writeFileAtomic(process.argv[1], 'n'.repeat(${bytes})))
    .then(() => console.log('written'), (problem) => console.log(problem.code, problem.why))`
  return (await host.run(process.execPath, ['-e', call, path])).stdout.trim()
}

test('a full disk leaves the old file whole, nothing beside it, and says so', async () => {
  await host.shell('mkdir /run/tiny; mount -t tmpfs -o size=64k tmpfs /run/tiny; printf old > /run/tiny/store.json')
  expect(await write('/run/tiny/store.json', 100_000)).toMatch(/^write-failed no space is left on the disk \(ENOSPC\)/)
  expect((await host.shell('ls -A /run/tiny; cat /run/tiny/store.json')).stdout).toBe('store.json\nold')
  expect(await write('/run/tiny/store.json', 10)).toBe('written')
  expect((await host.shell('cat /run/tiny/store.json')).stdout).toBe('n'.repeat(10))
})

test('a read-only disk leaves the old file, and says so', async () => {
  await host.shell(
    'mkdir /run/fixed; mount -t tmpfs tmpfs /run/fixed; printf old > /run/fixed/a; mount -o remount,ro /run/fixed',
  )
  expect(await write('/run/fixed/a', 10)).toMatch(/^write-failed the disk is read-only \(EROFS\)/)
  expect((await host.shell('cat /run/fixed/a')).stdout).toBe('old')
})

test('what root writes belongs to whom the folder belongs', async () => {
  await host.shell('mkdir /run/service; chown 1234:1235 /run/service')
  expect(await write('/run/service/agent.yaml', 10)).toBe('written')
  expect((await host.shell('stat -c "%u:%g %a" /run/service/agent.yaml')).stdout).toBe('1234:1235 600\n')
})
