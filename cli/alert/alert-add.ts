import { text } from 'node:stream/consumers'
import * as v from 'valibot'
import { whyNotGivable } from '../../alerts/settings/given-channels.ts'
import { ChannelNameSchema, ChannelObjectSchema } from '../../alerts/settings/settings.ts'
import { fromShorthand } from '../../alerts/settings/shorthand.ts'
import { whyNoChannel } from '../../alerts/settings/why-no-channel.ts'
import { Problem } from '../../problems/problem.ts'
import { askedSecret } from '../asked-secret.ts'
import type { Context } from '../context.ts'
import { printFacts } from '../output.ts'
import { ownRole } from '../side/own-role.ts'
import { addToList, changeAlertsFile } from './alerts-file.ts'
import { newNtfyTopic, subscribeLink } from './ntfy-topic.ts'

export interface AddOptions {
  /** A topic is to be made: on ntfy.sh, or on this server. */
  readonly ntfy?: string | true
  /** On the hub: its homes use the channel too. */
  readonly everywhere?: boolean
}

const PUBLIC_NTFY = 'https://ntfy.sh'

/** A topic that was made here, for a person to subscribe to. */
interface MadeTopic {
  readonly server: string
  readonly topic: string
}

/**
 * `homeward alert add NAME`: asks for the URL at a terminal, else reads it from standard input. Where none is given, and
 * the name or an option says ntfy, a topic is made and shown.
 * @throws {Problem} `channel-invalid`, `channel-exists`, and as `changeAlertsFile`.
 */
export async function alertAdd(context: Context, name: string, options: AddOptions): Promise<void> {
  const what = `adding the channel ${JSON.stringify(name)}`
  if (!v.is(ChannelNameSchema, name))
    throw new Problem('channel-invalid', { what, why: 'its name may have 1 to 32 of a-z, 0-9 and -' })
  const everywhere = options.everywhere === true
  if (everywhere && (await ownRole(context)) === 'home') throw onHubOnly(name, what)
  const { line, made } = await channelFor(name, options, what)
  const why = whyNoChannel(line) ?? (everywhere ? whyNotForHomes(line) : null)
  if (why !== null) throw new Problem('channel-invalid', { what, why })
  const path = await changeAlertsFile(context.configDir, (document, has) => {
    if (has(name)) throw new Problem('channel-exists', { what, why: 'alerts.yaml has one of that name' })
    document.setIn(['channels', name], line)
    if (everywhere) addToList(document, 'everywhere', name)
  })
  const link = made === null ? null : subscribeLink(made.server, made.topic, 'homeward')
  const qr = link === null ? null : (await import('uqr')).renderUnicodeCompact(link)
  const facts = { added: name, everywhere, ...(made === null ? {} : { topic: made.topic, server: made.server, link }) }
  printFacts(context, facts, () => {
    const homes = everywhere ? ' This hub’s homes use it too, within seconds; those with an older homeward do not.' : ''
    const added =
      `Added ${name} to ${path}.${homes} Try it: sudo homeward alert test ${everywhere ? '' : name}`.trimEnd()
    return made === null || qr === null ? added : `${qr}\n${howToSubscribe(made, everywhere ? null : name)}\n${added}`
  })
}

/** Authority goes from the hub's owner to homes: a home stands in somebody's cupboard, and may have been taken. */
function onHubOnly(name: string, what: string): Problem {
  return new Problem('wrong-usage', {
    what,
    why: 'a home cannot give the hub a channel: anyone who takes a home’s machine could do it too',
    next: `Run it on the hub, which gives the channel to this home: sudo homeward alert add ${name} --everywhere`,
  })
}

function whyNotForHomes(line: string): string | null {
  return whyNotGivable(v.parse(ChannelObjectSchema, fromShorthand(line)))
}

async function channelFor(name: string, { ntfy }: AddOptions, what: string) {
  if (ntfy !== undefined) return madeFor(serverIn(ntfy === true ? PUBLIC_NTFY : ntfy, what))
  const line = (await askedUrl(name === 'ntfy')).trim()
  return line === '' && name === 'ntfy' ? madeFor(PUBLIC_NTFY) : { line, made: null }
}

function madeFor(server: string): { readonly line: string; readonly made: MadeTopic } {
  const topic = newNtfyTopic()
  const { host, protocol } = new URL(server)
  return { line: `${protocol === 'http:' ? 'ntfy' : 'ntfys'}://${host}/${topic}`, made: { server, topic } }
}

/** @throws {Problem} `wrong-usage`. */
function serverIn(text: string, what: string): string {
  const server = /^https?:\/\//.test(text) ? text : `https://${text}`
  if (URL.canParse(server) && new URL(server).pathname === '/') return new URL(server).origin
  const why = '--ntfy takes a server, such as ntfy.example.org or http://192.168.1.5:8080'
  throw new Problem('wrong-usage', { what, why })
}

/** @param name of the channel, for the other end; null: that has it already. */
function howToSubscribe({ server, topic }: MadeTopic, name: string | null): string {
  return [
    'Android: install the ntfy app, then scan this code with the camera.',
    `iPhone: install the ntfy app, press +, and enter the topic ${topic}${server === PUBLIC_NTFY ? '' : ` on the server ${server}`}.`,
    'Anyone who knows the topic can read the messages.',
    ...(name === null ? [] : [forOtherEnd(server, topic, name)]),
  ].join('\n')
}

function forOtherEnd(server: string, topic: string, name: string): string {
  return `For the other end, hub or home: echo '${server.startsWith('http:') ? 'ntfy' : 'ntfys'}://${new URL(server).host}/${topic}' | sudo homeward alert add ${name}`
}

async function askedUrl(mayBeNone: boolean): Promise<string> {
  if (!process.stdin.isTTY) return await text(process.stdin)
  const message = `The channel’s URL, such as ntfys://ntfy.sh/TOPIC${mayBeNone ? '; empty for a new topic on ntfy.sh' : ''}`
  return await askedSecret(message, 'adding a channel')
}
