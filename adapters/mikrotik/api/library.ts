import type { Socket } from 'node:net'
import type { Channel } from 'node-routeros/dist/Channel.js'
import type { Connector } from 'node-routeros/dist/connector/Connector.js'
import { Problem, reasonOf } from '../../../problems/problem.ts'
import { sentenceParser, type Words } from './sentence-parser.ts'
import { encodeWord } from './word-text.ts'

/**
 * node-routeros, made safe. The library is no longer maintained, and as it is an answer can end the process or leave
 * the connection deaf: an exception in the dispatch of a sentence goes up through the socket, a last byte in a segment
 * of its own is overlooked, a length that is split is misread. Three of its methods are therefore replaced by ours: the
 * one that cuts the stream into sentences and hands them to their tags, the one that encodes a word, and the one by
 * which a channel reads a sentence. Those were also the ones that wrote words, passwords among them, to its debug log:
 * whatever DEBUG holds, no word reaches it now. `RouterOSAPI`, its own session, is not even loaded.
 */
export interface Library {
  /** Makes a connector on an open connection: it sends the sentences of commands, and replies reach the channels. */
  readonly connectorOn: (socket: Socket) => Connector
  readonly Channel: typeof Channel
}

/** The version whose methods are replaced here; another one may name them differently. */
const VERSION = '1.6.9'

let loading: Promise<Library> | null = null

/**
 * Loads the library at the first call: a home without a MikroTik never does.
 * @throws {Problem} `router-library-mismatch`.
 */
export function loadLibrary(): Promise<Library> {
  loading ??= load()
  return loading
}

/** @throws {Problem} `router-library-mismatch`. */
export function requireVersion(found: string): void {
  if (found === VERSION) return
  const why = `node-routeros ${found} is installed, and homeward knows ${VERSION} alone`
  throw new Problem('router-library-mismatch', { what: 'loading what speaks to the router', why })
}

async function load(): Promise<Library> {
  const { default: manifest } = await import('node-routeros/package.json', { with: { type: 'json' } })
  requireVersion(manifest.version)
  // Its index would also load its own session, and a package that it lacks where the variable ENV is `testing`. The
  // exports of a CommonJS module are its default to Node and to the bundle alike; only Node would see names.
  const [channel, connector, receiver, transmitter] = await Promise.all([
    import('node-routeros/dist/Channel.js'),
    import('node-routeros/dist/connector/Connector.js'),
    import('node-routeros/dist/connector/Receiver.js'),
    import('node-routeros/dist/connector/Transmitter.js'),
  ])
  const { Channel } = channel.default
  const { Connector } = connector.default
  const { Receiver } = receiver.default
  const { Transmitter } = transmitter.default
  Object.assign(Receiver.prototype, { processRawData: receive })
  Object.assign(Transmitter.prototype, { write: transmit })
  Object.assign(Channel.prototype, { processPacket })
  const connectorOn = (socket: Socket): Connector => {
    const connector = new Connector({})
    // Its own connect() would make the socket, and a password could not wait for the check of the certificate.
    const receiver = new Receiver(socket)
    Object.assign(connector, { socket, transmitter: new Transmitter(socket), receiver, connected: true })
    socket.on('data', (segment) => receiver.processRawData(segment))
    return connector
  }
  return { connectorOn, Channel }
}

/** The parts that the replaced methods use of the objects they belong to. */
interface ReceiverInside {
  readonly socket: Socket
  readonly tags: ReadonlyMap<string, { readonly callback: (packet: Words) => void }>
}

const parsers = new WeakMap<object, (segment: Buffer) => readonly Words[]>()

/** Reads a segment. `!fatal` becomes the socket's event `fatal`, with its reason; an invalid stream ends the socket. */
function receive(this: ReceiverInside, segment: Buffer): void {
  const parse = parsers.get(this) ?? sentenceParser()
  parsers.set(this, parse)
  try {
    for (const sentence of parse(segment)) {
      if (!isReply(sentence)) throw new Error('a sentence that is no reply')
      dispatch(this, sentence)
    }
  } catch (thrown) {
    this.socket.destroy(new Error(`it does not speak the API’s protocol: ${reasonOf(thrown)}`))
  }
}

/**
 * Whether each word looks like what it stands for. Foreign bytes in the stream swallow what comes after them, and an
 * answer without some of its rows would be believed: objects that exist would be made once more.
 */
function isReply([reply = '', ...words]: Words): boolean {
  if (!/^![a-z-]+$/.test(reply)) return false
  const isOfAttributes = reply === '!re' || reply === '!done' || reply === '!trap'
  return !isOfAttributes || words.every((word) => /^[=.][^=]/.test(word))
}

function dispatch({ socket, tags }: ReceiverInside, sentence: Words): void {
  const packet = sentence.filter((word) => !word.startsWith('.tag='))
  if (packet[0] === '!fatal') {
    socket.emit('fatal', packet.slice(1).join(' '))
    return
  }
  const tag = sentence.find((word) => word.startsWith('.tag='))?.slice('.tag='.length)
  // A late reply, after its command was given up, or one to no command. Neither is a reason to stop listening.
  if (tag !== undefined) tags.get(tag)?.callback(packet)
}

function transmit(this: { readonly socket: Socket }, word: string | null): void {
  if (this.socket.writable) this.socket.write(encodeWord(word))
}

/**
 * Turns a sentence into a channel's events: `data` for each row, `trap` with the refusal's attributes, `ret` with what
 * a command returned, and `close` after the last sentence. All other replies are ignored: `!empty` (RouterOS 7.18), and
 * any that may come later.
 */
function processPacket(this: Channel, [reply, ...words]: Words): void {
  const row = rowOf(words)
  switch (reply) {
    case '!re':
      this.emit('data', row)
      break
    case '!trap':
      this.emit('trap', row)
      break
    case '!done':
      if (row['ret'] !== undefined) this.emit('ret', row['ret'])
      this.close()
      break
    default:
      break
  }
}

/** A row of words `=name=value`, where the value may also hold `=`. */
function rowOf(words: Words): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.flatMap((word) => {
      const [, name, value] = /^=([^=]+)=(.*)$/s.exec(word) ?? []
      return name === undefined ? [] : [[name, value ?? '']]
    }),
  )
}
