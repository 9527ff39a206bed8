import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { extract, pack } from 'tar-stream'

/** A file of a backup. Its path is relative, by /, without `..`: `config/hub.yaml`. */
export interface ArchivedFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** What an archive may unpack to, bytes: far above what homeward writes, and what a machine of 512 MB bears. */
const MOST_BYTES = 128 * 1024 * 1024

/** Packs files into a tar.gz: whoever has the passphrase needs no homeward to look into it. */
export async function packFiles(files: readonly ArchivedFile[], at: Date): Promise<Buffer> {
  const tar = pack()
  for (const { path, bytes } of files) tar.entry({ name: path, mode: 0o600, mtime: at }, Buffer.from(bytes))
  tar.finalize()
  return await promisify(gzip)(await buffer(tar))
}

/**
 * Unpacks a tar.gz, whole or not at all, and writes nothing.
 * @throws {Error} for what is damaged, too large, or holds anything but plain files with names as above.
 */
export async function unpackFiles(archive: Uint8Array): Promise<readonly ArchivedFile[]> {
  const tar = await promisify(gunzip)(archive, { maxOutputLength: MOST_BYTES })
  const files: ArchivedFile[] = []
  const reader = extract()
  const written = pipeline(Readable.from([tar]), reader)
  // Who reads it sees the same error.
  written.catch(() => undefined)
  for await (const entry of reader) {
    const { name, type } = entry.header
    if (type !== 'file' || !isInside(name)) throw new Error(`it holds ${name}, no plain file`)
    files.push({ path: name, bytes: await buffer(entry) })
  }
  await written
  return files
}

/** Whether it stays in the folder where it is unpacked. */
function isInside(path: string): boolean {
  return path.split('/').every((part) => /^[\w.@+-]+$/.test(part) && part !== '.' && part !== '..')
}
