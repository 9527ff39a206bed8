import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { DrillReport } from '../../agent/drill/drills.ts'
import { askDrillReport } from '../../agent/settings/recheck-agent.ts'
import { inviteHome, startHub, waitForStatus } from '../agent/lab-home.ts'
import { writeAlerts } from '../alerts/lab-alerts.ts'
import type { Host } from '../lab/host/host.ts'
import type { LabProcess } from '../lab/host/process.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import { type Receiver, startReceiver } from '../lab/places/receiver.ts'

/** A hub and a home with channels of four kinds, whose servers are on the internet. */
export interface DrillLab {
  readonly lab: Lab
  readonly picture: Picture
  readonly pi: Host
  readonly receiver: Receiver
  /** What came by mail: one line each, its subject. */
  readonly mail: LabProcess
  hub: LabProcess
  agent: LabProcess
}

const ADDRESS = '198.18.0.20'

export async function openDrillLab(): Promise<DrillLab> {
  const lab = await createLab()
  const picture = await buildPicture(lab)
  const { pi } = picture.home
  const receiver = await startReceiver(lab, picture.visitor, ADDRESS)
  const [mail] = await Promise.all([startMail(picture.visitor), startBroker(picture.visitor)])
  await (await startHub(picture)).stop()
  await writeAlerts(picture.hub, channelsOf(receiver, 'hub'))
  const hub = await runDrillHub(picture, receiver)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await writeAlerts(pi, channelsOf(receiver, 'home'))
  const agent = await runDrillAgent(pi, receiver)
  return { lab, picture, pi, receiver, mail, hub, agent }
}

export async function runDrillHub({ hub }: Picture, receiver: Receiver): Promise<LabProcess> {
  const daemon = hub.startHomeward(['hub', 'run'], { env: receiver.trust })
  await daemon.waitForLine(/the hub is ready/, { timeoutMs: 120_000 })
  return daemon
}

export async function runDrillAgent(pi: Host, receiver: Receiver): Promise<LabProcess> {
  const agent = pi.startHomeward(['run'], { env: receiver.trust })
  await agent.waitForLine(/the tunnel is up/, { timeoutMs: 120_000 })
  // A drill is refused before the hub was reached outside the tunnel too.
  await waitForStatus(pi, ({ hub, tunnel }) => hub.registrar === 'reachable' && tunnel.state === 'up')
  return agent
}

function channelsOf({ url }: Receiver, end: 'home' | 'hub'): string {
  return `channels:
  hook: { kind: webhook, url: "${url}/${end}" }
  push: { kind: ntfy, server: "${url}", topic: "${end}-topic" }
  ha: { kind: homeassistant, broker: "mqtt://${ADDRESS}:1883" }
  post: { kind: mail, host: "${ADDRESS}", port: 25, security: none, from: "${end}@x.example", to: "me@x.example" }
`
}

async function startBroker(visitor: Host): Promise<LabProcess> {
  const file = join(visitor.disk.path, 'mosquitto.conf')
  await writeFile(file, `user root\nlistener 1883 ${ADDRESS}\nallow_anonymous true\n`)
  const broker = visitor.start('/usr/sbin/mosquitto', ['-c', file])
  await broker.waitForLine(/mosquitto version .* running/)
  return broker
}

async function startMail(visitor: Host): Promise<LabProcess> {
  const library = createRequire(import.meta.url).resolve('smtp-server')
  const program = `
const { SMTPServer } = require(${JSON.stringify(library)})
new SMTPServer({
  logger: false, authOptional: true, disabledCommands: ['STARTTLS'],
  onData: (stream, session, done) => {
    let text = ''
    stream.on('data', (part) => { text += part })
    stream.on('end', () => { console.log('mail from ' + session.envelope.mailFrom.address + ' ' + /^subject: .*(\\r?\\n .*)*/im.exec(text)[0].replace(/\\s+/g, ' ')); done() })
  },
}).listen(25, '${ADDRESS}', () => console.log('mail is taken'))`
  const server = visitor.start(process.execPath, ['-e', program])
  await server.waitForLine(/mail is taken/)
  return server
}

/** Runs `homeward drill … --yes --json`. */
export async function drillOf(pi: Host, args: readonly string[]): Promise<DrillReport & { readonly exitCode: number }> {
  const options = { allowFailure: true, timeoutMs: 600_000 }
  const { stdout, stderr, exitCode } = await pi.homeward(['drill', ...args, '--yes', '--json'], options)
  if (!stdout.includes('"ways"')) throw new Error(`the drill failed: ${stderr}${stdout}`)
  return { ...(JSON.parse(stdout) as DrillReport), exitCode }
}

/** What of the machines a drill could have touched: the home's and the hub's. */
export async function drilledMachines({ picture, pi }: DrillLab): Promise<string> {
  const look = `
ip -d link | sed 's/state [A-Z]*//'
ip -4 addr | sed 's/valid_lft.*//'
ip -4 route show table all
ip rule
nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//; s/expires [0-9a-z]*//' | grep -v timeout | sed '/set initiations/,/^\\t}/d'
wg show all peers; wg show all allowed-ips; wg show all persistent-keepalive
`
  const [home, hub] = await Promise.all([pi.shell(look), picture.hub.shell(look)])
  // A port by chance is part of every change of mapping; where the tunnel sends to is not.
  const { stdout: endpoint } = await pi.shell('wg show all endpoints')
  return [home.stdout, endpoint, hub.stdout].join('\n---\n')
}

/** Waits until the tunnel goes by its best way again, and nothing of an earlier drill is under way. */
export async function restOfTunnel({ pi }: Pick<DrillLab, 'pi'>): Promise<void> {
  // The drill of a command that was killed goes on to the end of its way.
  await expect
    .poll(async () => {
      const reply = await askDrillReport(`/proc/${pi.pid}/root/run/homeward`, 10_000)
      return (reply?.answer as DrillReport | null | undefined)?.over ?? true
    })
    .toBe(true)
  await waitForStatus(
    pi,
    ({ tunnel, hub, drill }) =>
      tunnel.state === 'up' && hub.registrar === 'reachable' && tunnel.notes.length === 0 && drill === undefined,
  )
}
