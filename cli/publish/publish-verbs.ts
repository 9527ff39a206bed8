import type { Command } from 'commander'
import { contextOf } from '../context.ts'

/** `homeward publish …`, at home or on the hub. */
export function registerPublishVerbs(program: Command): void {
  const publish = program.command('publish').description('services at home on the hub’s ports')

  publish
    .command('add <ports> <target>')
    .description('forward a port of the hub to a service at home: 443/tcp 192.168.1.20:443')
    .option('--source <how>', 'keep: the service sees visitors’ addresses (where that can work); hide: it does not')
    .option('--outgoing', 'what the service itself sends to that port of the internet leaves by the hub’s address too')
    .option('--home <home>', 'on the hub: at which home, where the address does not say')
    .action(async (ports: string, target: string, options, command: Command) => {
      const { publishAdd } = await import('./publish-add.ts')
      await publishAdd(contextOf(command), ports, target, options)
    })

  publish
    .command('list')
    .description('what this home publishes; on the hub, what all homes publish')
    .action(async (_options, command: Command) => {
      const { publishList } = await import('./publish-list.ts')
      await publishList(contextOf(command))
    })

  publish
    .command('check <ports>')
    .description('test the path a visitor takes; names the first step that fails, with exit status 2')
    .action(async (ports: string, _options, command: Command) => {
      const { publishCheck } = await import('./publish-check.ts')
      await publishCheck(contextOf(command), ports)
    })

  publish
    .command('remove <ports>')
    .description('stop publishing a port, at once')
    .action(async (ports: string, _options, command: Command) => {
      const { publishRemove } = await import('./publish-remove.ts')
      await publishRemove(contextOf(command), ports)
    })
}
