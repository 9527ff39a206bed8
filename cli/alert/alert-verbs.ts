import type { Command } from 'commander'
import { contextOf } from '../context.ts'
import type { AddOptions } from './alert-add.ts'

/** `homeward alert …`, at home or on the hub. */
export function registerAlertVerbs(program: Command): void {
  const alert = program.command('alert').description('who is notified of outages, and how')

  alert
    .command('test [channel]')
    .description('send a test message through every channel here and on the hub, or through one')
    .action(async (channel: string | undefined, _options, command: Command) => {
      const { alertTest } = await import('./alert-test.ts')
      await alertTest(contextOf(command), channel ?? null)
    })

  alert
    .command('retract', { hidden: true })
    .description('clear what Home Assistant’s brokers keep of this end, before it goes for good')
    .action(async (_options, command: Command) => {
      const { alertRetract } = await import('./alert-retract.ts')
      await alertRetract(contextOf(command))
    })

  alert
    .command('list')
    .description('the channels of this machine, without their secrets, and whether they work')
    .action(async (_options, command: Command) => {
      const { alertList } = await import('./alert-list.ts')
      await alertList(contextOf(command))
    })

  alert
    .command('add <name>')
    .description('add a channel to alerts.yaml; its URL, which is a secret, comes by standard input')
    .option('--ntfy [server]', 'make a topic that nobody guesses, on ntfy.sh or this server, and show it as a QR code')
    .option('--everywhere', 'on the hub: its homes use the channel too')
    .action(async (name: string, options: AddOptions, command: Command) => {
      const { alertAdd } = await import('./alert-add.ts')
      await alertAdd(contextOf(command), name, options)
    })

  alert
    .command('remove <name>')
    .description('remove a channel from alerts.yaml')
    .action(async (name: string, _options, command: Command) => {
      const { alertRemove } = await import('./alert-remove.ts')
      await alertRemove(contextOf(command), name)
    })
}
