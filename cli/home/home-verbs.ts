import type { Command } from 'commander'
import { collect } from '../collect.ts'
import { contextOf } from '../context.ts'

/** The verbs at home. */
export function registerHomeVerbs(program: Command): void {
  program
    .command('join [token...]')
    .description(
      'join a hub: create the tunnel and test it; if it does not work, undo everything. - reads the token from standard input',
    )
    .option(
      '--lan <cidr>',
      'a network here that the tunnel may reach, or OWN=SEEN to give it other numbers at the hub; may be repeated',
      collect,
      [],
    )
    .option('--lan-mode <mode>', 'masquerade (linux), or routed where LAN hosts have a route back (mikrotik, openwrt)')
    .option('--router <kind>', 'what the tunnel ends on: linux, this machine, or a router: mikrotik, openwrt', 'linux')
    .option('--host <host>', 'the router, as this machine reaches it')
    .option('--user <name>', 'mikrotik: the user for its API (homeward); openwrt: for SSH (root)')
    .option('--password-file <file>', 'a file with the password of that user, which nobody else can read')
    .option(
      '--identity-file <file>',
      'openwrt: a file with an SSH private key of that user instead, which nobody else can read',
    )
    .option('--host-key <sha256>', 'openwrt: the SSH host key that is trusted, and no other')
    .option('--port <port>', 'mikrotik: of its API (8729, with --plain 8728); openwrt: of SSH (22)')
    .option('--tls-fingerprint <sha256>', 'mikrotik: the certificate that is trusted, and no other')
    .option('--plain', 'mikrotik: without encryption; the password can be read on the way')
    .option('--interface <name>', 'the WireGuard interface', 'hw0')
    .option('--economy', 'fewer heartbeats: less traffic, outages are noticed later')
    .option('--again', 'join again, the same hub or another one, keeping this home’s settings')
    .option('--dry-run', 'show the plan and change nothing')
    .action(async (words: string[], options, command: Command) => {
      const { givenToken } = await import('./given-token.ts')
      const given = await givenToken(words)
      const { tokenOf } = await import('./pick-up.ts')
      const how = { again: options.again === true, dryRun: options.dryRun === true }
      const token = await tokenOf(contextOf(command), given, how)
      if (options.again === true) {
        const changed = Object.keys(options).filter((name) => command.getOptionValueSource(name) === 'cli')
        const { joinAgain } = await import('./join-again.ts')
        return await joinAgain(contextOf(command), token, { dryRun: options.dryRun === true, given: changed })
      }
      const { join } = await import('./join.ts')
      await join(contextOf(command), token, options)
    })

  // Used by install.sh.
  program
    .command('hand-over', { hidden: true })
    .description('give what is in the folders of settings and state to whom they belong')
    .action(async (_options, command: Command) => {
      const { handOverFolders } = await import('./hand-over.ts')
      const { settingsAfterPowerCut } = await import('../upgrade/after-power-cut.ts')
      const { version } = await import('../version.ts')
      await settingsAfterPowerCut(contextOf(command), process.argv[1] ?? '', version)
      await handOverFolders(contextOf(command))
    })

  program
    .command('run')
    .description('the agent, in the foreground')
    .action(async (_options, command: Command) => {
      const { run } = await import('./run.ts')
      await run(contextOf(command))
    })

  program
    .command('status')
    .description('state of the tunnel; exit status 0 up, 2 degraded, 1 offline')
    .option('--watch', 'refresh every two seconds')
    .action(async (options, command: Command) => {
      const { status } = await import('./status.ts')
      await status(contextOf(command), options)
    })

  program
    .command('plan')
    .description('show what has drifted from agent.yaml; exit status 2 when something has')
    .action(async (_options, command: Command) => {
      const { plan } = await import('./plan.ts')
      await plan(contextOf(command))
    })

  program
    .command('apply')
    .description('repair what has drifted from agent.yaml')
    .action(async (_options, command: Command) => {
      const { apply } = await import('./apply.ts')
      await apply(contextOf(command))
    })

  program
    .command('lan [cidr...]')
    .description('the networks here that the tunnel reaches; with CIDR or auto: change them')
    .action(async (given: string[], _options, command: Command) => {
      const { lan } = await import('./lan.ts')
      await lan(contextOf(command), given)
    })

  program
    .command('events')
    .description('outages, mapping changes and repairs; on the hub the outages of all homes')
    .option('--since <time>', 'no older than this: 30m, 24h, 7d')
    .option('--csv', 'the outages of a month as a table, for the carrier')
    .option('--month <month>', 'with --csv: 2026-11; this one when not said')
    .action(async (options, command: Command) => {
      const { events } = await import('../events/events.ts')
      await events(contextOf(command), options)
    })

  program
    .command('drill [way...]')
    .description('break the tunnel on purpose for some seconds, and see that it is noticed, healed and told')
    .option('--list', 'say what each way does, and break nothing')
    .option('--monthly', 'have the agent do it once a month')
    .option('--no-monthly', 'and no longer')
    .action(async (ways: string[], options, command: Command) => {
      const { drill } = await import('./drill.ts')
      await drill(contextOf(command), ways, options)
    })

  program
    .command('leave')
    .description('leave the hub and undo everything on this machine and the router')
    .option('--forget-router', 'leave alone what is on a router that is gone or no longer answers')
    .action(async (options, command: Command) => {
      const { leave } = await import('./leave.ts')
      await leave(contextOf(command), options)
    })
}
