import type { Command } from 'commander'
import { contextOf } from '../context.ts'

/** `homeward router …`: tasks on a router by hand. */
export function registerRouterVerbs(program: Command): void {
  const router = program.command('router').description('prepare a router to hold the tunnel')

  router
    .command('mikrotik-setup')
    .description('print the commands that prepare a MikroTik: a certificate, the least rights, a user')
    .option('--user <name>', 'the router’s user for homeward', 'homeward')
    .option('--group <name>', 'and its group', 'homeward')
    .option('--from <address>', 'this machine’s address in the LAN: the router then lets in nothing else')
    .option('--address <router>', 'the router’s address in the LAN')
    .action(async (options, command: Command) => {
      const { routerMikrotikSetup } = await import('./router-mikrotik-setup.ts')
      routerMikrotikSetup(contextOf(command), options)
    })
}
