import type { Socket } from 'node:net'
import { sleep } from '../../../../system/time/sleep.ts'
import type { Caller, Commands } from '../commands/commands.ts'
import { encodeSentence, sentenceReader } from './framing.ts'
import { loginDesk } from './login.ts'
import { type Ending, fragments, type Misbehaviour, seededRandom } from '../misbehaviour.ts'
import { Refused } from '../refused.ts'
import type { Rights } from './rights.ts'
import type { ShownRow } from '../tables/shown.ts'
import type { Answer, Command } from '../commands/table-commands.ts'
import { isAtLeast, type Version } from '../version.ts'

/** One session on the API: sentences in, answers out, any number of commands at once. */
export interface ApiSession {
  readonly user: () => string | null
  readonly end: (how: Ending) => void
}

export interface SessionDeps {
  readonly version: Version
  readonly commands: Commands
  /** null: wrong name or password, or no right to use the API. */
  readonly logIn: (user: string, isHis: (password: string) => boolean) => Rights | null
  readonly misbehaviour: () => Misbehaviour | null
  readonly note: (sentence: readonly string[]) => void
  readonly onEnd: (session: object) => Promise<void>
}

/** Before login words are short and few. */
const BEFORE_LOGIN = { wordBytes: 4_096, words: 32 }
const AFTER_LOGIN = { wordBytes: 16 * 1024 * 1024, words: 100_000 }

/** @param line the TCP connection, where `socket` is the TLS on it; else the same. */
export function serveApi(socket: Socket, line: Socket, parts: SessionDeps): ApiSession {
  const self = {}
  const desk = loginDesk(parts.version)
  let rights: Rights | null = null
  let commandsSeen = 0
  const running = new Map<string, AbortController>()
  const reader = sentenceReader(() => (rights === null ? BEFORE_LOGIN : AFTER_LOGIN))
  let sending: Promise<void> = Promise.resolve()

  function end(how: Ending): void {
    switch (how) {
      case 'fin':
        return void socket.end()
      case 'rst':
        return void line.resetAndDestroy()
      case 'fatal':
        socket.write(encodeSentence(['!fatal', 'session terminated on request']))
        return void socket.end()
      case 'silent':
        // The line is cut: nothing comes or goes, and nobody says so.
        socket.pause()
        socket.removeAllListeners('data')
        return
      case 'garbage':
        return void socket.write(Buffer.from([0x05, 0x21, 0x72, 0x65, 0x00, 0xff, 0x13, 0xc0, 0x00]))
      case 'reserved-length':
        return void socket.write(Buffer.from([0xf9, 0x00, 0x00]))
      default:
        return how satisfies never
    }
  }

  /** Whole sentences in their order, in whatever pieces the misbehaviour of the moment makes. */
  function send(sentences: readonly (readonly string[])[], isAnswer: boolean): void {
    const bytes = Buffer.concat(sentences.map(encodeSentence))
    const how = parts.misbehaviour()
    sending = sending.then(async () => {
      if (socket.destroyed) return
      if (how?.kind === 'delay') await sleep(how.ms)
      if (how?.kind === 'stray-tag') socket.write(encodeSentence(['!done', '.tag=nobody']))
      if (how?.kind === 'fragment') {
        for (const piece of fragments(bytes, how.most, seededRandom(how.seed + commandsSeen))) {
          socket.write(piece)
          // Each in a segment of its own.
          await new Promise((resolve) => setImmediate(resolve))
        }
        return
      }
      if (how?.kind === 'end' && isAnswer && commandsSeen > how.after) {
        socket.write(bytes.subarray(0, Math.floor(bytes.length * how.part)))
        return end(how.how)
      }
      socket.write(bytes)
    })
  }

  async function take(words: readonly string[]): Promise<void> {
    const { command, tag } = parse(words)
    const tagged = tag === null ? [] : [`.tag=${tag}`]
    parts.note(words.map((word) => (/^=password=|^=response=/.test(word) ? word.replace(/=[^=]*$/, '=…') : word)))
    commandsSeen += 1
    if (`${command.path}/${command.verb}` === '/login') return logIn(command, tagged)
    if (rights === null)
      return send(
        [
          ['!trap', '=message=not logged in', ...tagged],
          ['!done', ...tagged],
        ],
        true,
      )
    if (command.verb === 'quit' && command.path === '') return end('fatal')
    if (command.verb === 'cancel' && command.path === '') return cancel(command, tagged)
    const ending = new AbortController()
    const name = tag ?? ''
    running.set(name, ending)
    try {
      const answer = await parts.commands.run(command, {
        rights,
        session: self,
        signal: ending.signal,
        emit: (row) => send([['!re', ...attributeWords(row), ...tagged]], true),
      } satisfies Caller)
      if (ending.signal.aborted) return
      send(replies(answer, command, tagged), true)
    } catch (thrown) {
      if (ending.signal.aborted) return
      send([trap(thrown, tagged), ['!done', ...tagged]], true)
    } finally {
      running.delete(name)
    }
  }

  function replies(
    { rows, ret }: Answer,
    { verb }: Command,
    tagged: readonly string[],
  ): readonly (readonly string[])[] {
    const done = ['!done', ...(ret === null || verb === 'find' ? [] : [`=ret=${ret}`]), ...tagged]
    const isEmptyPrint = rows.length === 0 && ret === null && (verb === 'print' || verb === 'getall')
    return [
      ...rows.map((row) => ['!re', ...attributeWords(row), ...tagged]),
      ...(isEmptyPrint && isAtLeast(parts.version, '7.18') ? [['!empty', ...tagged]] : []),
      done,
    ]
  }

  function logIn({ attributes }: Command, tagged: readonly string[]): void {
    const answer = desk.answer(attributes, (user, isHis) => {
      rights = parts.logIn(user, isHis)
      return rights !== null
    })
    switch (answer.kind) {
      case 'in':
        return send([['!done', ...tagged]], true)
      case 'challenge':
        return send([['!done', `=ret=${answer.ret}`, ...tagged]], true)
      case 'refused':
        return send(
          [
            ['!trap', `=message=${answer.message}`, ...tagged],
            ['!done', ...tagged],
          ],
          true,
        )
      default:
        return answer satisfies never
    }
  }

  /** The order of the manual: the cancelled command's trap, the cancel's end, the cancelled command's end. */
  function cancel({ attributes }: Command, tagged: readonly string[]): void {
    const which = attributes.get('tag')
    const cancelled = [...running].filter(([tag]) => which === undefined || tag === which)
    for (const [, ending] of cancelled) ending.abort()
    const ended = (tag: string): readonly string[] => (tag === '' ? [] : [`.tag=${tag}`])
    send(
      [
        ...cancelled.map(([tag]) => ['!trap', '=category=2', '=message=interrupted', ...ended(tag)]),
        ['!done', ...tagged],
        ...cancelled.map(([tag]) => ['!done', ...ended(tag)]),
      ],
      false,
    )
    const how = parts.misbehaviour()
    if (how?.kind !== 'late-reply') return
    sending = sending
      .then(() => sleep(how.ms))
      .then(() => {
        for (const [tag] of cancelled)
          socket.write(
            Buffer.concat(
              [
                ['!re', '=name=late', ...ended(tag)],
                ['!done', ...ended(tag)],
              ].map(encodeSentence),
            ),
          )
      })
  }

  socket.on('data', (chunk) => {
    try {
      for (const sentence of reader.take(chunk)) void take(sentence)
    } catch {
      socket.destroy()
    }
  })
  socket.on('error', () => undefined)
  // The other side's end is ours as well.
  socket.on('end', () => socket.end())
  line.on('close', () => {
    for (const ending of running.values()) ending.abort()
    void parts.onEnd(self)
  })

  return { user: () => rights?.user ?? null, end }
}

function parse(words: readonly string[]): { readonly command: Command; readonly tag: string | null } {
  const [name = '', ...rest] = words
  const parts = name.replace(/^\//, '').split('/')
  const verb = parts.pop() ?? ''
  const attributes = new Map<string, string>()
  const queries: string[] = []
  let tag: string | null = null
  for (const word of rest) {
    const attribute = /^=([^=]+)(?:=([\s\S]*))?$/.exec(word)
    if (word.startsWith('.tag=')) tag = word.slice(5)
    else if (attribute !== null) attributes.set(attribute[1] ?? '', attribute[2] ?? '')
    else if (word.startsWith('?')) queries.push(word)
  }
  return { command: { path: parts.length === 0 ? '' : `/${parts.join('/')}`, verb, attributes, queries }, tag }
}

function attributeWords(row: ShownRow): readonly string[] {
  return Object.entries(row).map(([name, value]) => `=${name}=${value}`)
}

function trap(thrown: unknown, tagged: readonly string[]): readonly string[] {
  if (!(thrown instanceof Refused)) throw thrown
  const category = thrown.category === null ? [] : [`=category=${thrown.category}`]
  return ['!trap', ...category, `=message=${thrown.message}`, ...tagged]
}
