import type { Command } from 'commander'
import { contextOf } from '../context.ts'
import type { SettingsBackOptions } from './settings-back.ts'
import type { UpgradeOptions } from './upgrade.ts'

/** `homeward upgrade`, at home or on the hub, and what an upgrade calls that goes back. */
export function registerUpgradeVerb(program: Command): void {
  program
    .command('upgrade [release]')
    .description(
      'bring a newer version, in the way in which this one was installed; where it does not carry the tunnel, this one comes back',
    )
    .option('--check', 'say what is installed and what is offered, and change nothing')
    .option('--downgrade', 'take an older version too')
    .action(async (release: string | undefined, options: UpgradeOptions, command: Command) => {
      const { upgrade } = await import('./upgrade.ts')
      await upgrade(contextOf(command), release ?? null, options)
    })

  program
    .command('settings-back <folder>', { hidden: true })
    .description('put back settings that a newer version wrote and this one does not read')
    .requiredOption('--newer <version>', 'the version that did not stay')
    .requiredOption('--why <why>', 'why not')
    .action(async (folder: string, options: SettingsBackOptions, command: Command) => {
      const { settingsBack } = await import('./settings-back.ts')
      const { version } = await import('../version.ts')
      await settingsBack(contextOf(command), folder, options, version)
    })
}
