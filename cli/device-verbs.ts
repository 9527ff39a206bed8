import type { Command } from 'commander'

/** `homeward device …`, at home or on the hub. */
export function registerDeviceVerbs(program: Command): void {
  program.command('device').description('phones and laptops')
}
