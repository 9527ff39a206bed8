import { open, rm } from 'node:fs/promises'
import { makeBackup } from '../../backup/backup.ts'
import type { Manifest } from '../../backup/manifest.ts'
import { Problem } from '../../problems/problem.ts'
import { writeFailure } from '../../problems/write-failure.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printBytes, printFacts, tell } from '../output.ts'
import { ownRole } from '../side/own-role.ts'
import { version } from '../version.ts'
import { contentText } from './content-text.ts'
import { describedMachine } from './described-machine.ts'
import { newPassphrase, type PassphraseOptions } from './passphrase.ts'

export type BackupOptions = PassphraseOptions

const WHAT = 'making a backup'

/** `homeward backup FILE`. */
export async function backup(context: Context, file: string, options: BackupOptions): Promise<void> {
  const role = await ownRole(context)
  const described = await orNoRoot(() => describedMachine(context, role))
  const passphrase = await newPassphrase(options, WHAT)
  const { manifest, sealed, files } = await orNoRoot(() =>
    makeBackup(context, described, passphrase, { version, now: new Date() }),
  )
  if (file === '-') {
    if (process.stdout.isTTY)
      throw new Problem('wrong-usage', {
        what: WHAT,
        why: 'a terminal shows no backup',
        next: 'Name a file instead of -',
      })
    printBytes(sealed)
    return tell(doneText('Standard output', manifest))
  }
  await writeNew(file, sealed)
  printFacts(context, { file, bytes: sealed.length, files, backup: manifest }, () => doneText(file, manifest))
}

function doneText(place: string, manifest: Manifest): string {
  return `${place} has ${contentText(manifest)}.
Anyone who has the file and the passphrase can be this ${manifest.role}: keep them apart, and not only on this machine.
It is put back with homeward restore, on a machine where homeward is installed; age --decrypt opens it too.`
}

/** Writes a file that was not there, which only its owner can read. @throws {Problem} `file-exists`, `write-failed`. */
async function writeNew(path: string, content: Uint8Array): Promise<void> {
  const what = `writing ${path}`
  const file = await open(path, 'wx', 0o600).catch((thrown: unknown) => {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST')
      throw new Problem('file-exists', { what, why: 'it is there' })
    throw writeFailure(what, path, thrown)
  })
  try {
    await file.writeFile(content)
    await file.sync()
  } catch (thrown) {
    // Half a backup is none.
    await rm(path, { force: true })
    throw writeFailure(what, path, thrown)
  } finally {
    await file.close()
  }
}
