import { runCommand } from '../system/process/run-command.ts'

/**
 * Packs a folder into FOLDER.tar.gz beside it, the same bytes each time: names in the order of their bytes, owner and group 0, one time for
 * all, modes without this machine's umask (reproducible-builds.org/docs/archives). By gzip(1), since the deflate of Node's
 * zlib depends on the processor, and which every Debian has; at its default, since the best takes thrice as long for 1 %.
 * @param at seconds since 1970.
 */
export async function packFolder(parent: string, folder: string, at: number): Promise<string> {
  const tar = `${parent}/${folder}.tar`
  const timeoutMs = 120_000
  const same = '--format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX'.split(' ')
  const options = ['--create', `--file=${tar}`, `--directory=${parent}`, `--mtime=@${at}`, ...same]
  await runCommand('env', ['-u', 'TAR_OPTIONS', 'tar', ...options, folder], { timeoutMs })
  await runCommand('env', ['-u', 'GZIP', 'gzip', '--no-name', tar], { timeoutMs })
  return `${folder}.tar.gz`
}
