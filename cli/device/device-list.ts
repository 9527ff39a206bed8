import type { DeviceList } from '../../protocol/messages.ts'
import { rangeText } from '../../protocol/publications.ts'
import { ageText, bytesText } from '../text/age.ts'
import type { Context } from '../context.ts'
import { deviceClient } from './device-client.ts'
import { needsText } from './needs-text.ts'
import { printFacts } from '../output.ts'
import { table } from '../text/table.ts'

type Entry = DeviceList['devices'][number]

const serviceText = (one: NonNullable<Entry['to']>[number]): string => `${one.address}:${rangeText(one)}`

const HEADING = ['DEVICE', 'ADDRESS', 'OF', 'REACHES', 'HANDSHAKE', 'IN', 'OUT', 'UNTIL', 'ADDED']

export async function deviceList(context: Context): Promise<void> {
  const side = await deviceClient(context)
  const list = await side.list()
  printFacts(context, list, ({ devices }) =>
    devices.length === 0
      ? 'no devices yet: homeward device add NAME'
      : [
          table([HEADING, ...devices.map(row)]),
          ...devices.flatMap(({ name, needs }) => (needs === null ? [] : [needsText(name, needs)])),
        ].join('\n'),
  )
}

function row(device: Entry): string[] {
  return [
    device.name,
    device.address,
    device.home ?? 'the hub',
    [
      device.to === null ? (device.homes?.join(' ') ?? 'all homes') : device.to.map(serviceText).join(' '),
      ...(device.full ? ['and the internet'] : []),
      ...(device.exit === null ? [] : [`and the internet by ${device.exit}`]),
    ].join(' '),
    ageText(device.lastHandshakeSeconds),
    bytesText(device.rxBytes),
    bytesText(device.txBytes),
    device.expired ? 'over' : (device.expiresAt ?? '-'),
    device.addedAt,
  ]
}
