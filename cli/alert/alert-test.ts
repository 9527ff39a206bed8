import { knownHub } from '../../agent/tunnel/plan/known-hub.ts'
import { agentConfigPath, readAgentConfig, tunnelsOf } from '../../agent/settings/config.ts'
import { askRegistrar } from '../../agent/registrar/ask-registrar.ts'
import { askAlertTest } from '../../agent/settings/recheck-agent.ts'
import { readBearer } from '../../agent/secrets/secrets.ts'
import { alertsPath, readAlertSettings } from '../../alerts/settings/read-settings.ts'
import { type ChannelTest, testChannels } from '../../alerts/channels/test-channels.ts'
import type { Snapshot } from '../../alerts/transport/channel.ts'
import { hubPaths } from '../../hub/settings/paths.ts'
import { AlertTestAnswer, PROTOCOL_VERSION } from '../../protocol/messages.ts'
import { quoted } from '../../problems/printable.ts'
import { asProblem, Problem } from '../../problems/problem.ts'
import { isThere } from '../../system/files/is-there.ts'
import type { Context } from '../context.ts'
import { orNoRoot } from '../or-no-root.ts'
import { printFacts } from '../output.ts'
import { howToStart } from '../side/how-to-start.ts'
import { askRunningHub } from '../side/hub-session.ts'
import { table } from '../text/table.ts'
import { version } from '../version.ts'

/** The answers of one end's channels; a problem when that end could not be asked. */
interface EndTest {
  readonly end: 'home' | 'hub'
  /** Who sent the tests: the service, as it sends everything else, or this command, since none runs. */
  readonly by: 'service' | 'command'
  readonly channels: readonly ChannelTest[]
  readonly problem: string | null
}

/** How long the hub's answer is waited for: the hub tries for twenty seconds. */
const HUB_MS = 30_000

/** How long this machine's service is waited for, likewise. */
const SERVICE_MS = 30_000

/** What a hub takes as the name of a channel (protocol/messages.ts). */
const LONGEST_NAME = 32

/** `homeward alert test`: exit status 0 when every channel took it, 2 when one did not, 1 when there is none. */
export async function alertTest(context: Context, channel: string | null): Promise<void> {
  const tests = await orNoRoot(() => testEnds(context, channel))
  const all = tests.flatMap(({ channels }) => channels)
  const problems = tests.filter(({ problem }) => problem !== null)
  if (all.length === 0 && problems.length === 0)
    throw new Problem('channel-missing', {
      what: 'testing the channels',
      why: `neither ${alertsPath(context.configDir)} nor the other end names one`,
    })
  const byCommand = tests.filter(({ by }) => by === 'command')
  const sentFromHere = await Promise.all(byCommand.map(({ end }) => sentFromHereText(end)))
  printFacts(context, { ends: tests }, ({ ends }) =>
    [
      table([
        ['END', 'CHANNEL', 'KIND', 'ANSWER'],
        ...ends.flatMap(({ end, channels, problem }) => [
          ...channels.map((one) => [end, one.name, one.kind, one.problem ?? 'accepted']),
          ...(problem === null ? [] : [[end, '', '', problem]]),
        ]),
      ]),
      ...sentFromHere,
    ].join('\n'),
  )
  if (problems.length > 0 || all.some(({ problem }) => problem !== null)) process.exitCode = 2
}

async function testEnds(context: Context, channel: string | null): Promise<readonly EndTest[]> {
  if (await isThere(agentConfigPath(context.configDir))) {
    const config = await readAgentConfig(context.configDir)
    const [home, hub] = await Promise.all([
      testHere(context, channel, 'home', config.home),
      testAtHub(context, channel),
    ])
    if (home instanceof Problem && (hub instanceof Problem || hub.problem !== null)) throw home
    return [home, hub].filter((one): one is EndTest => !(one instanceof Problem))
  }
  if (await isThere(hubPaths(context).config)) {
    const hub = await testHere(context, channel, 'hub', 'hub')
    if (hub instanceof Problem) throw hub
    return [hub]
  }
  throw new Problem('config-missing', {
    what: 'testing the channels',
    why: `${context.configDir} has neither agent.yaml nor hub.yaml`,
    next: 'Run this at a home that has joined, or on the hub',
  })
}

/** Has the running service send the tests, with its environment; where none runs, they are sent from here. */
async function testHere(
  context: Context,
  channel: string | null,
  end: EndTest['end'],
  name: string,
): Promise<EndTest | Problem> {
  // A file that is wrong is reported as the file that it is, whoever would read it.
  const settings = await readAlertSettings(context.configDir)
  try {
    const sent = await testByService(context, channel, end)
    const channels = sent ?? (await testChannels(settings, channel, pulseOf(end, name)))
    return { end, by: sent === null ? 'command' : 'service', channels, problem: null }
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === 'channel-missing') return thrown
    throw thrown
  }
}

/** null: no service runs. */
async function testByService(
  context: Context,
  channel: string | null,
  end: EndTest['end'],
): Promise<readonly ChannelTest[] | null> {
  if (end === 'hub') return await askRunningHub(context, 'alert-test', { channel })
  const reply = await askAlertTest(context.runtimeDir, channel, SERVICE_MS)
  // The other end is this same program, behind a socket that only root and the service's user may open.
  return reply === null ? null : (reply.answer as readonly ChannelTest[])
}

async function sentFromHereText(end: EndTest['end']): Promise<string> {
  return `homeward does not run here, so this command sent the ${end}’s tests itself. For real alerts start it: ${await howToStart(end)}`
}

async function testAtHub({ configDir, stateDir }: Context, channel: string | null): Promise<EndTest | Problem> {
  if (channel !== null && channel.length > LONGEST_NAME)
    return new Problem('channel-missing', { what: 'testing the hub’s channels', why: 'no channel has so long a name' })
  try {
    const config = await readAgentConfig(configDir)
    const [{ hub: written }] = tunnelsOf(config)
    const hub = await knownHub(written, stateDir)
    const { answer } = await askRegistrar(
      { hosts: hub.addresses, port: hub.port, certificate: hub.certificate },
      {
        what: 'testing the hub’s channels',
        method: 'POST',
        path: '/v1/alerts/test',
        body: { version: PROTOCOL_VERSION, channel },
        answer: AlertTestAnswer,
        bearer: await readBearer({ configDir, stateDir }, config.home),
        timeoutMs: HUB_MS,
      },
    )
    const channels = answer.channels.map((one) => ({
      ...one,
      problem: one.problem === null ? null : `the hub says: ${quoted(one.problem)}`,
    }))
    return { end: 'hub', by: 'service', channels, problem: null }
  } catch (thrown) {
    const problem = asProblem(thrown, 'asking the hub for a test')
    // A name that only this end knows is no fault of the hub.
    if (problem.code === 'channel-missing') return problem
    return { end: 'hub', by: 'service', channels: [], problem: problem.message }
  }
}

/** The snapshot for a test, in which the tunnel's state does not matter. */
function pulseOf(end: EndTest['end'], name: string): Snapshot {
  const unknown = { rttMs: null, handshakeAt: null, rxBytes: 0, txBytes: 0, mapping: null }
  return { end, version, homes: [{ name, isUp: true, state: 'test', cause: null, ...unknown }] }
}
