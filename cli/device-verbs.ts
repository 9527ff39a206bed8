import type { Command } from 'commander'
import { contextOf } from './context.ts'

/** `homeward device …`, at home or on the hub. */
export function registerDeviceVerbs(program: Command): void {
  const device = program.command('device').description('phones and laptops')

  device
    .command('add <name>')
    .description('make a device’s keys and write what its WireGuard app imports')
    .option('--conf <file>', 'where to write it, or - for standard output (default ./NAME.conf)')
    .action(async (name: string, options: { readonly conf?: string }, command: Command) => {
      const { deviceAdd } = await import('./device-add.ts')
      await deviceAdd(contextOf(command), name, options.conf ?? `${name}.conf`)
    })

  device
    .command('list')
    .description('the devices of this home, or all of them on the hub')
    .action(async (_options, command: Command) => {
      const { deviceList } = await import('./device-list.ts')
      await deviceList(contextOf(command))
    })

  device
    .command('remove <name>')
    .description('revoke a device at once')
    .action(async (name: string, _options, command: Command) => {
      const { deviceRemove } = await import('./device-remove.ts')
      await deviceRemove(contextOf(command), name)
    })
}
