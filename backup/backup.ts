import { Problem } from '../problems/problem.ts'
import { type ArchivedFile, packFiles, unpackFiles } from './archive.ts'
import { type BackedUpFolders, gatherFiles } from './gather.ts'
import { BACKUP_FORMAT, MANIFEST, type Manifest, readManifest } from './manifest.ts'
import { seal, unseal } from './sealed.ts'

/** A backup that was opened. */
export interface Backup {
  readonly manifest: Manifest
  readonly files: readonly ArchivedFile[]
}

/** Says what a machine is, for the manifest. */
export type Described = Omit<Manifest, 'format' | 'madeBy' | 'madeAt'>

/**
 * Makes a backup of this machine's role: a tar.gz of its files, in the age format.
 * @throws {Problem} `config-unreadable`.
 */
export async function makeBackup(
  folders: BackedUpFolders,
  described: Described,
  passphrase: string,
  { version, now }: { readonly version: string; readonly now: Date },
): Promise<{ readonly manifest: Manifest; readonly sealed: Uint8Array; readonly files: number }> {
  const manifest = { format: BACKUP_FORMAT, madeBy: version, madeAt: now.toISOString(), ...described }
  const files = await gatherFiles(folders)
  const first = { path: MANIFEST, bytes: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) }
  return { manifest, sealed: await seal(await packFiles([first, ...files], now), passphrase), files: files.length }
}

/**
 * Opens a backup and reads it whole; nothing is written.
 * @param named the file, for the words of a problem.
 * @throws {Problem} `backup-invalid`, `backup-newer`, `passphrase-wrong`.
 */
export async function openBackup(sealed: Uint8Array, passphrase: string, named: string): Promise<Backup> {
  const what = `reading the backup ${named}`
  const archive = await unseal(sealed, passphrase)
  if (archive === 'no-backup')
    throw new Problem('backup-invalid', { what, why: 'it is no file that homeward backup has written' })
  if (archive === 'wrong-passphrase')
    throw new Problem('passphrase-wrong', { what, why: 'the passphrase does not open it' })
  const damaged = (): Problem =>
    new Problem('backup-invalid', { what, why: 'it is damaged, or the end of it is missing' })
  if (archive === 'damaged') throw damaged()
  const files = await unpackFiles(archive).catch(() => {
    throw damaged()
  })
  const first = files.find(({ path }) => path === MANIFEST)
  const manifest = first === undefined ? null : readManifest(Buffer.from(first.bytes).toString('utf8'))
  if (manifest === 'newer')
    throw new Problem('backup-newer', {
      what,
      why: 'a newer homeward has made it, in a form that this one does not know',
    })
  const others = files.filter(({ path }) => path !== MANIFEST)
  if (manifest === null || others.some(({ path }) => !/^(?:config|state)\//.test(path)))
    throw new Problem('backup-invalid', { what, why: 'its content is not that of a backup of homeward' })
  return { manifest, files: others }
}
