import type { Command } from 'commander'

/** The global options, resolved once for every verb. */
export interface Context {
  readonly configDir: string
  readonly stateDir: string
  readonly runtimeDir: string
  readonly json: boolean
  readonly yes: boolean
}

interface GlobalOptions {
  readonly configDir?: string
  readonly stateDir?: string
  readonly runtimeDir?: string
  readonly json?: boolean
  readonly yes?: boolean
}

/** An option beats the environment, the environment beats the default. */
export function contextOf(command: Command): Context {
  const given = command.optsWithGlobals<GlobalOptions>()
  return {
    configDir: given.configDir ?? process.env['HOMEWARD_CONFIG_DIR'] ?? '/etc/homeward',
    stateDir: given.stateDir ?? process.env['HOMEWARD_STATE_DIR'] ?? '/var/lib/homeward',
    runtimeDir: given.runtimeDir ?? process.env['HOMEWARD_RUNTIME_DIR'] ?? '/run/homeward',
    json: given.json === true,
    yes: given.yes === true,
  }
}

/** Adds --config-dir and its like. Commander takes a program's options before and after the verb. */
export function withGlobalOptions(command: Command): Command {
  return command
    .option('--config-dir <dir>', 'configuration and secrets (default /etc/homeward, or HOMEWARD_CONFIG_DIR)')
    .option('--state-dir <dir>', 'state (default /var/lib/homeward, or HOMEWARD_STATE_DIR)')
    .option('--runtime-dir <dir>', 'sockets (default /run/homeward, or HOMEWARD_RUNTIME_DIR)')
    .option('--json', 'answer as JSON')
    .option('--yes', 'go ahead without asking')
}
