import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import { runCommand } from '../../system/process/run-command.ts'

/** Which release is kept beside the tests (keep-release.ts). */
export interface KeptRelease {
  readonly version: string
  readonly commit: string
}

export const KEPT_RELEASE = join('test', 'compat', 'last-release.json')
/** Its dist/, as a tar file that brotli has packed. */
export const KEPT_BUNDLE = join('test', 'compat', 'last-release.tar.br')

/** Unpacks the last release into a folder. @returns its command. */
export async function unpackLastRelease(folder: string): Promise<string> {
  const place = join(folder, 'last-release')
  await mkdir(place, { recursive: true })
  const tar = join(place, 'dist.tar')
  await writeFile(tar, await promisify(brotliDecompress)(await readFile(KEPT_BUNDLE)))
  await runCommand('tar', ['--extract', `--file=${tar}`, `--directory=${place}`], { timeoutMs: 60_000 })
  return join(place, 'dist/homeward.js')
}
