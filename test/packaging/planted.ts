import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from '../../system/process/run-command.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
const TIME = '2026-01-02T03:04:05Z'
const MINUTES = 3_600_000

/** All that a build reads, as it is now, with a key and a version of the test's own. */
export async function plant(place: string, signer: string): Promise<void> {
  await copyCheckout(place, "':!test'")
  await writeFile(join(place, 'allowed_signers'), signer)
  const about = JSON.parse(await readFile(join(place, 'package.json'), 'utf8'))
  await writeFile(join(place, 'package.json'), `${JSON.stringify({ ...about, version: '0.0.7' }, null, 2)}\n`)
  await shellIn(
    place,
    `export GIT_AUTHOR_DATE=${TIME} GIT_COMMITTER_DATE=${TIME} GIT_CONFIG_GLOBAL=/dev/null
git init --quiet && git add --all
git -c user.name=A -c user.email=a@example.org commit --quiet --message=all
git tag v0.0.7`,
  )
}

/** A shell script in a folder, ended by its first failing command. */
export const shellIn = (place: string, script: string) =>
  runCommand('sh', ['-ec', `cd "$1"; ${script}`, 'sh', place], { timeoutMs: MINUTES })

/** The working tree of this checkout, as it is now. @param without a pathspec of git's, none by default. */
export async function copyCheckout(place: string, without = ''): Promise<void> {
  await mkdir(place)
  await shellIn(
    CHECKOUT,
    `git -c safe.directory='*' ls-files -z --cached --others --exclude-standard -- . ${without} |
tar --create --ignore-failed-read --null --files-from=- | tar --extract --directory='${place}'`,
  )
}
