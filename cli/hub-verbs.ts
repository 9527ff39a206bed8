import type { Command } from 'commander'

/** `homeward hub …`, on the VPS. */
export function registerHubVerbs(program: Command): void {
  program.command('hub').description('the VPS side')
}
