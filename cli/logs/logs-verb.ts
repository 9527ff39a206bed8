import type { Command } from 'commander'
import { contextOf } from '../context.ts'
import type { LogsOptions } from './logs.ts'

/** `homeward logs`, at home or on the hub. */
export function registerLogsVerb(program: Command): void {
  program
    .command('logs')
    .description('what homeward’s services on this machine logged, for people; --json an object a line')
    .option('--follow', 'go on as more is logged')
    .option('--since <time>', 'of the last 30m, 24h, 7d')
    .option('--lines <number>', 'how many at most, without --since', '100')
    .action(async (options: LogsOptions, command: Command) => {
      const { logs } = await import('./logs.ts')
      await logs(contextOf(command), options)
    })
}
