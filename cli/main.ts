#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { withGlobalOptions } from './context.ts'
import { registerBackupVerbs } from './backup/backup-verbs.ts'
import { registerConfigVerbs } from './config/config-verbs.ts'
import { registerContainerVerb } from './container/container-verb.ts'
import { registerAlertVerbs } from './alert/alert-verbs.ts'
import { registerDeviceVerbs } from './device/device-verbs.ts'
import { registerHomeVerbs } from './home/home-verbs.ts'
import { registerHubVerbs } from './hub/hub-verbs.ts'
import { registerLogsVerb } from './logs/logs-verb.ts'
import { commanderOutput, reportProblem } from './output.ts'
import { registerPublishVerbs } from './publish/publish-verbs.ts'
import { registerRouterVerbs } from './router/router-verbs.ts'
import { registerSetupVerb } from './setup/setup-verb.ts'
import { registerUpgradeVerb } from './upgrade/upgrade-verb.ts'
import { version } from './version.ts'

/** The command. Verbs only declare themselves here; their code is loaded when they are called. */
async function main(argv: readonly string[]): Promise<number> {
  const program = withGlobalOptions(new Command('homeward'))
    .description('Brings a home behind carrier-grade NAT back onto the public internet.')
    .version(version)
    .exitOverride()
    .configureOutput(commanderOutput)
  registerHomeVerbs(program)
  registerHubVerbs(program)
  registerDeviceVerbs(program)
  registerPublishVerbs(program)
  registerAlertVerbs(program)
  registerRouterVerbs(program)
  registerLogsVerb(program)
  registerUpgradeVerb(program)
  registerSetupVerb(program)
  registerBackupVerbs(program)
  registerConfigVerbs(program)
  registerContainerVerb(program)
  try {
    await program.parseAsync([...argv])
    return Number(process.exitCode ?? 0)
  } catch (thrown) {
    // Commander has already said what was wrong with the call; --help and --version come here with status 0.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 64
    return reportProblem(thrown, argv.includes('--json'))
  }
}

process.exitCode = await main(process.argv)
