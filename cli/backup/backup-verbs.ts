import type { Command } from 'commander'
import { contextOf } from '../context.ts'
import type { BackupOptions } from './backup.ts'
import type { RestoreOptions } from './restore.ts'

/** `homeward backup` and `homeward restore`, at home and on the hub. */
export function registerBackupVerbs(program: Command): void {
  program
    .command('backup <file>')
    .description(
      'write everything that makes this machine the home or the hub that it is into one file, encrypted by a passphrase; - writes it to standard output',
    )
    .option('--passphrase-file <file>', 'a file with the passphrase, which nobody else can read')
    .action(async (file: string, options: BackupOptions, command: Command) => {
      const { backup } = await import('./backup.ts')
      await backup(contextOf(command), file, options)
    })

  program
    .command('restore <file>')
    .description('make this machine the home or the hub that a backup is of; - reads it from standard input')
    .option('--passphrase-file <file>', 'a file with the passphrase, which nobody else can read')
    .option('--list', 'say what is inside, and change nothing')
    .option('--replace', 'where this machine is set up already: lay aside what is there')
    .action(async (file: string, options: RestoreOptions, command: Command) => {
      const { restore } = await import('./restore.ts')
      await restore(contextOf(command), file, options)
    })
}
