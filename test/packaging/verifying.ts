import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandResult, runCommand, tryCommand } from '../../system/process/run-command.ts'
import { NAMESPACE, SIGNER } from '../../packaging/signature.ts'

/** Makes a release key. @returns the path of its private half; `line` is what allowed_signers has of it. */
export async function makeKey(folder: string, name: string): Promise<{ readonly path: string; readonly line: string }> {
  const path = join(folder, name)
  await runCommand('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path])
  const publicKey = (await readFile(`${path}.pub`, 'utf8')).trim()
  return { path, line: `${SIGNER} namespaces="${NAMESPACE}" ${publicKey}\n` }
}

/**
 * Has install.sh of this checkout look at an unpacked release as it does before every command, and do nothing else.
 * @param installed the folder of the version that is installed; none by default.
 */
export function verify(release: string, installed?: string, path?: string): Promise<CommandResult> {
  return runInstaller('require_whole_release', release, installed, path)
}

/** Has it compare versions, as it does before it installs. */
export function compareVersions(release: string, installed: string, words = ''): Promise<CommandResult> {
  return runInstaller(`require_no_downgrade upgrade ${words}`, release, installed)
}

async function runInstaller(
  does: string,
  release: string,
  installed = '/nonexistent',
  path?: string,
): Promise<CommandResult> {
  const installer = await readFile(new URL('../../install.sh', import.meta.url), 'utf8')
  const functions = installer.slice(0, installer.lastIndexOf('main "$@"')).replace('/usr/local/lib/homeward', installed)
  const script = `${path === undefined ? '' : `PATH=${path}\n`}here=${release} log=/dev/null\n${functions}\n${does}`
  return tryCommand('/bin/bash', ['-s'], { input: script, timeoutMs: 50_000 })
}
