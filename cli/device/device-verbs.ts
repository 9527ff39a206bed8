import type { Command } from 'commander'
import { collect } from '../collect.ts'
import { contextOf } from '../context.ts'

/** `homeward device …`, at home or on the hub. */
export function registerDeviceVerbs(program: Command): void {
  const device = program.command('device').description('phones and laptops')

  withFileOptions(
    device.command('add <name>').description('make a device’s keys and write what its WireGuard app imports'),
  )
    .option('--home <home>', 'on the hub: a home that it may reach, and no other; may be repeated', collect, [])
    .option('--expires <time>', 'cut it off after 30m, 24h, 7d')
    .option('--full', 'send everything through the hub, not only what is for the homes')
    .option(
      '--exit <home>',
      'send everything through the hub and that home, which must allow it (lan.exit in its agent.yaml)',
    )
    .option(
      '--to <service>',
      'the only thing that it may reach, such as 192.168.1.50:554/tcp; may be repeated',
      collect,
      [],
    )
    .action(async (name: string, options, command: Command) => {
      const { deviceAdd } = await import('./device-add.ts')
      await deviceAdd(contextOf(command), name, options)
    })

  withFileOptions(
    device
      .command('rotate <name>')
      .description('new keys for a device that is there, to scan or import again; the old ones end at once'),
  ).action(async (name: string, options, command: Command) => {
    const { deviceRotate } = await import('./device-rotate.ts')
    await deviceRotate(contextOf(command), name, options)
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

/** Where the file goes, and what of it the hub does not decide. */
function withFileOptions(command: Command): Command {
  return command
    .option(
      '--conf <file>',
      'where to write it, or - for standard output (default ./NAME.conf, shortened to the 15 characters that WireGuard takes)',
    )
    .option('--qr', 'show it as a QR code to scan, and write no file unless --conf or --svg says so')
    .option('--svg <file>', 'write the QR code as a picture')
    .option(
      '--dns <list>',
      'a resolver while the tunnel is up, a Pi-hole at home, and domains to search: 10.86.0.1,home.lan; may be repeated',
      collect,
      [],
    )
    .option(
      '--endpoint <host:port>',
      'where it dials the hub: another name, or a port that its network lets through (443 and 4500 work too)',
    )
}
