import type { Command } from 'commander'
import { collect } from '../collect.ts'
import { contextOf } from '../context.ts'

/** `homeward setup`, on either machine. */
export function registerSetupVerb(program: Command): void {
  program
    .command('setup')
    .description(
      'set this machine up, VPS or home: asks for what it cannot find out, shows what it will do, and does it; without a terminal the options are the answers',
    )
    .option('--as <machine>', 'hub: this is the VPS; home: this is the Pi at home')
    .option('--address <host>', 'hub: how this machine is reached from outside; may be repeated', collect, [])
    .option('--stun <host[:port],…>', 'hub: STUN servers that are asked for its address, or none')
    .option('--home <home>', 'hub: the name of the first home')
    .option('--token-file <file>', 'home: a file with the token that the hub printed, or - for standard input')
    .option('--lan <cidr>', 'home: a network here that the tunnel may reach; may be repeated', collect, [])
    .option('--router <kind>', 'home: what the tunnel ends on: linux, this machine, or a router: mikrotik, openwrt')
    .option('--host <host>', 'the router, as this machine reaches it')
    .option('--user <name>', 'mikrotik: the user for its API (homeward); openwrt: for SSH (root)')
    .option('--password-file <file>', 'a file with the password of that user, which nobody else can read')
    .option('--identity-file <file>', 'openwrt: a file with an SSH private key of that user instead')
    .option('--host-key <sha256>', 'openwrt: the SSH host key that is trusted')
    .option('--port <port>', 'mikrotik: of its API; openwrt: of SSH')
    .option('--tls-fingerprint <sha256>', 'mikrotik: the certificate that is trusted')
    .option('--plain', 'mikrotik: without encryption; the password can be read on the way')
    .option('--device <name>', 'home: the name of the phone (default phone)')
    .option('--no-device', 'home: no phone now')
    .option('--conf <file>', 'home: the file for the phone’s configuration, in place of the QR code')
    .action(async (options, command: Command) => {
      const { setup } = await import('./setup.ts')
      await setup(contextOf(command), options)
    })
}
