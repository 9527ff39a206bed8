import type { Command } from 'commander'
import { contextOf } from '../context.ts'
import { collect } from '../collect.ts'

/** Rights, in the order of hub/rights/rights.ts, which is not loaded for a help text. */
const MAY = 'rights: lan,devices,publish,publish-low,outgoing,full,exit, all or none (default devices,publish)'
const QUOTA = 'how many at most: devices=50,ports=20000,prefixes=8'

const STUN = 'STUN servers that are asked at which address they see this machine, or none'

/** `homeward hub …`, on the VPS. */
export function registerHubVerbs(program: Command): void {
  program
    .command('cloud-init')
    .description('print user-data that makes a new VPS a hub, and a code with which a home picks up its token')
    .requiredOption(
      '--name <host>',
      'how the VPS is reached from outside: a name that you let lead to it, or its address',
    )
    .option('--home <home>', 'the home that may pick up the first token', 'home')
    .option('--port <port>', 'UDP for WireGuard, TCP for the registrar', '51820')
    .option('--place <url>', 'where the files of a release are')
    .action(async (options, command: Command) => {
      const { cloudInit } = await import('./cloud-init.ts')
      cloudInit(contextOf(command), options)
    })

  const hub = program.command('hub').description('the VPS side')

  hub
    .command('init')
    .description('make keys, certificate, interface, firewall table and settings; run again, it changes nothing')
    .option(
      '--address <host[,host]>',
      'how this machine is reached from outside, best first; default: its own public address, else what STUN servers see is asked about',
      collect,
      [],
    )
    .option('--stun <host[:port],…>', STUN)
    .option('--port <port>', 'UDP for WireGuard, TCP for the registrar (default 51820)')
    .option('--network <cidr>', 'the tunnel’s own network (default 10.86.0.0/16)')
    .option('--alternate-ports <port[,port]>', 'UDP ports that lead to WireGuard too (default 4500,443,53)')
    .option('--interface <name>', 'the WireGuard interface (default hw0)')
    .action(async (options, command: Command) => {
      const { hubInit } = await import('./hub-init.ts')
      await hubInit(contextOf(command), options)
    })

  hub
    .command('address')
    .description('find out how this machine is reached from outside; changes nothing')
    .option('--stun <host[:port],…>', STUN)
    .action(async (options, command: Command) => {
      const { hubAddress } = await import('./hub-address.ts')
      await hubAddress(contextOf(command), options)
    })

  hub
    .command('run')
    .description('the daemon, in the foreground')
    .action(async (_options, command: Command) => {
      const { hubRun } = await import('./hub-run.ts')
      await hubRun(contextOf(command))
    })

  hub
    .command('invite <home>')
    .description('make a token with which a home can join once')
    .option('--lan <cidr>', 'the home’s LAN; may be repeated for each', collect, [])
    .option('--expires <time>', 'how long the token is good for: 30m, 24h, 7d', '24h')
    .option('--may <rights>', MAY)
    .option('--quota <most>', QUOTA)
    .option(
      '--pickup-file <file>',
      'let it be picked up once, with the code of homeward cloud-init that belongs to this file',
    )
    .action(async (home: string, options, command: Command) => {
      const { hubInvite } = await import('./hub-invite.ts')
      await hubInvite(contextOf(command), home, options)
    })

  hub
    .command('status')
    .description('homes, devices and what the hub sees of each')
    .option('--watch', 'refresh every two seconds')
    .action(async (options, command: Command) => {
      const { hubStatus } = await import('./hub-status.ts')
      await hubStatus(contextOf(command), options)
    })

  hub
    .command('home <home>')
    .description('what a home may do, and how much of it it does; with options, change that')
    .option('--may <rights>', `${MAY}; +RIGHT adds one, --may=-RIGHT takes one away`)
    .option('--quota <most>', QUOTA)
    .action(async (home: string, options, command: Command) => {
      const { hubHome } = await import('./hub-home.ts')
      await hubHome(contextOf(command), home, options)
    })

  hub
    .command('approve [id]')
    .description('let a home have what it asks for; without an id, what homes ask for')
    .action(async (id: string | undefined, _options, command: Command) => {
      const { hubApprove } = await import('./hub-approve.ts')
      await hubApprove(contextOf(command), id)
    })

  hub
    .command('refuse <id>')
    .description('do not let a home have what it asks for')
    .action(async (id: string, _options, command: Command) => {
      const { hubRefuse } = await import('./hub-approve.ts')
      await hubRefuse(contextOf(command), id)
    })

  hub
    .command('log [home]')
    .description('who did what: joins, devices, ports, networks, rights, and what was refused')
    .option('--since <time>', 'of the last 30m, 24h, 7d')
    .action(async (home: string | undefined, options, command: Command) => {
      const { hubLog } = await import('./hub-log.ts')
      await hubLog(contextOf(command), home, options)
    })

  hub
    .command('revoke-other <home>')
    .description('two machines with one identity: make a token for the one that stays, which shuts the other out')
    .option('--now', 'shut both out at once')
    .option('--expires <time>', 'how long the token is good for: 30m, 24h, 7d', '24h')
    .action(async (home: string, options, command: Command) => {
      const { hubRevokeOther } = await import('./hub-revoke-other.ts')
      await hubRevokeOther(contextOf(command), home, options)
    })

  hub
    .command('rotate-identity')
    .description('give the hub another WireGuard key and certificate, which homes follow; again, where that stands')
    .option('--now', 'without waiting until all homes have confirmed; one that is away follows when it comes back')
    .option('--leave-behind', 'cut off homes whose agent is too old to follow')
    .option('--cancel', 'keep the present ones')
    .option('--stolen', 'somebody has the present key: let nothing lead from it, and invite every home again')
    .action(async (options, command: Command) => {
      const { hubRotateIdentity } = await import('./hub-rotate-identity.ts')
      await hubRotateIdentity(contextOf(command), options)
    })

  hub
    .command('remove <home>')
    .description('revoke a home, its devices and its invitations at once')
    .action(async (home: string, _options, command: Command) => {
      const { hubRemove } = await import('./hub-remove.ts')
      await hubRemove(contextOf(command), home)
    })

  hub
    .command('move <host>')
    .description(
      'tell all homes a second address, name or literal, at which this hub will be reached: before it moves there',
    )
    .action(async (host: string, _options, command: Command) => {
      const { hubMove } = await import('./hub-move.ts')
      await hubMove(contextOf(command), host)
    })

  hub
    .command('restore-store')
    .description('bring back the store of before, when the present one is damaged; the hub must not run')
    .option(
      '--generation <which>',
      '1: the newest; 2: one from before many homes or devices were removed; a day such as 2026-12-01: before the changes of that day',
      '1',
    )
    .action(async (options, command: Command) => {
      const { hubRestoreStore } = await import('./hub-restore-store.ts')
      await hubRestoreStore(contextOf(command), options)
    })
}
