import type { Command } from 'commander'
import { contextOf } from '../context.ts'

/** The verbs of the files of settings, at home and on the hub. */
export function registerConfigVerbs(program: Command): void {
  const config = program.command('config').description('the files of settings: agent.yaml, hub.yaml, alerts.yaml')
  config
    .command('check [file]')
    .description('say what homeward would make of them, before it takes them: of all that are here, or of one')
    .action(async (file: string | undefined, _options, command: Command) => {
      const { configCheck } = await import('./config-check.ts')
      await configCheck(contextOf(command), file ?? null)
    })
}
