import type { Client as SshClient, ConnectConfig } from 'ssh2'
import { Problem, reasonOf } from '../../../problems/problem.ts'
import { makeMutex } from '../../../system/process/mutex.ts'
import { calledOff, orCalledOff } from '../../router/called-off.ts'
import { type HostPort, hostPort } from '../../../wireguard/host-port.ts'
import { algorithmsOf, HOST_KEY_TYPES, type HostKey, hostKeyIn } from './host-key.ts'
import { gone, unreachable, whyNot } from './no-session.ts'
import { type Program, startProgram } from './program.ts'

/** How the router is reached. */
export interface RouterAccess {
  readonly host: string
  readonly port: number
  readonly user: string
  /** Reads the login, for each session again. */
  readonly login: () => Promise<Login>
  readonly hostKey: HostKey
}

/** A key as text in OpenSSH's format; a password is used only for as long as it takes to install a key. */
export type Login =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'password'; readonly password: string }

/** The outcome of a command on the router. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface ExecOptions {
  readonly signal: AbortSignal
  /** Standard input, for secrets: other users of the router see a command's arguments, and nobody sees this. */
  readonly stdin?: string
  readonly timeoutMs?: number
}

/** One connection. Commands run one after the other: dropbear 2022.82 drops a line with two channels (openwrt#11208). */
export interface Session {
  /**
   * Runs a script in the router's shell, busybox ash.
   * @throws {Problem} `router-timeout`, `router-unreachable` when the connection ended, `interrupted`.
   */
  readonly exec: (script: string, options: ExecOptions) => Promise<Outcome>
  /** Starts a script that has no end of its own, on a session that nothing else is asked of. */
  readonly start: (script: string, hear: (line: string) => void) => Program
  readonly isOpen: () => boolean
  readonly ends: Ends
  readonly close: () => void
}

/** The two ends of a connection, literal addresses. */
export interface Ends {
  readonly own: string
  readonly remote: string
}

const CONNECT_MS = 10_000
const COMMAND_MS = 10_000
/** The longest output of a command: far more than anything asked for; a faulty router must not fill a Pi's memory. */
const MOST_CHARACTERS = 4 * 1024 * 1024
/** Sets the PATH: a command over SSH does not get a login shell's. */
const PATH = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH; '

/**
 * Connects and logs in.
 * @throws {Problem} `router-unreachable`, `router-login-refused`, `router-host-key-mismatch`, `name-unresolved`,
 * `interrupted`, or what reading the login threw.
 */
export async function openSession(access: RouterAccess, signal: AbortSignal): Promise<Session> {
  const { host, port, user, hostKey } = access
  const login = await access.login()
  const seen: { key: HostKey | null } = { key: null }
  const client = await connected(
    {
      host,
      port,
      username: user,
      ...(login.kind === 'key' ? { privateKey: login.key } : { password: login.password }),
      // One try of the one method: dropbear hangs up after a few.
      authHandler: [login.kind === 'key' ? 'publickey' : 'password'],
      algorithms: { serverHostKey: algorithmsOf(hostKey.type) },
      hostVerifier: (key: Buffer) => {
        seen.key = hostKeyIn(key)
        return seen.key?.type === hostKey.type && seen.key.sha256 === hostKey.sha256
      },
    },
    signal,
    (error) => whyNot(error, access, seen.key),
  )
  return sessionOn(client, hostPort(host, port))
}

/**
 * Reads the host key and hangs up: nothing of ours was sent.
 * @throws {Problem} `router-unreachable`, `name-unresolved`, `interrupted`.
 */
export async function readHostKey(host: string, port: number, signal: AbortSignal): Promise<HostKey> {
  const seen: { key: HostKey | null } = { key: null }
  const where = { host, port }
  try {
    const client = await connected(
      {
        ...where,
        username: 'nobody',
        algorithms: { serverHostKey: HOST_KEY_TYPES.flatMap(algorithmsOf) },
        hostVerifier: (key: Buffer) => {
          seen.key = hostKeyIn(key)
          return false
        },
      },
      signal,
      (error) => unreachable(where, error),
    )
    client.end()
  } catch (thrown) {
    if (seen.key === null) throw thrown
  }
  if (seen.key !== null) return seen.key
  throw new Problem('router-unreachable', {
    what: `looking at the SSH host key of ${hostPort(host, port)}`,
    why: 'it showed none of a kind that is known here',
  })
}

async function connected(
  config: ConnectConfig & HostPort,
  signal: AbortSignal,
  problemOf: (error: unknown) => Problem,
): Promise<SshClient> {
  const { default: ssh2 } = await import('ssh2')
  const client = new ssh2.Client()
  return new Promise((resolve, reject) => {
    let isSettled = false
    const settle = (act: () => void): void => {
      if (isSettled) return
      isSettled = true
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      act()
    }
    const fail = (problem: Problem): void =>
      settle(() => {
        client.destroy()
        reject(problem)
      })
    const onAbort = (): void =>
      fail(calledOff(`connecting to the router ${hostPort(config.host, config.port)}`, signal))
    const timer = setTimeout(() => fail(problemOf(new Error('no answer in time'))), CONNECT_MS)
    // An error after the first is a consequence of it, and without a listener it would end the process.
    client.on('error', (error) => fail(problemOf(error)))
    client.once('close', () => fail(problemOf(new Error('it ended the connection'))))
    client.once('ready', () => settle(() => resolve(client)))
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) return onAbort()
    try {
      client.connect({ readyTimeout: CONNECT_MS, keepaliveInterval: 10_000, keepaliveCountMax: 3, ...config })
    } catch (thrown) {
      fail(problemOf(thrown))
    }
  })
}

function sessionOn(client: SshClient, router: string): Session {
  let whyEnded: string | null = null
  const pending = new Set<(why: string) => void>()
  const end = (why: string): void => {
    if (whyEnded !== null) return
    whyEnded = why
    client.destroy()
    for (const fail of pending) fail(why)
  }
  client.on('error', (error) => end(error.message))
  client.once('end', () => end('it ended the connection'))
  client.once('close', () => end('the connection ended'))
  const { _sock: socket } = client as unknown as { readonly _sock?: { localAddress?: string; remoteAddress?: string } }
  const ends: Ends = { own: socket?.localAddress ?? '', remote: socket?.remoteAddress ?? '' }

  const run = (script: string, { signal, stdin = '', timeoutMs = COMMAND_MS }: ExecOptions): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const what = `a command on the router ${router}`
      if (whyEnded !== null) return reject(gone(what, whyEnded))
      if (signal.aborted) return reject(calledOff(what, signal))
      const said = { stdout: '', stderr: '' }
      let code: number | null = null

      const settle = (act: () => void): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        pending.delete(onEnd)
        act()
      }
      // The command goes on running, and the next one would get its output. So the connection is given up.
      const giveUp = (problem: Problem): void =>
        settle(() => {
          end('a command was given up')
          reject(problem)
        })
      const onEnd = (why: string): void => settle(() => reject(gone(what, why)))
      const onAbort = (): void => giveUp(calledOff(what, signal))
      const timer = setTimeout(
        () => giveUp(new Problem('router-timeout', { what, why: `no answer within ${timeoutMs / 1_000} s` })),
        timeoutMs,
      )
      signal.addEventListener('abort', onAbort)
      pending.add(onEnd)

      try {
        client.exec(`${PATH}${script}`, (error, channel) => {
          if (error !== undefined && error !== null) return settle(() => reject(gone(what, error.message)))
          const take = (stream: 'stdout' | 'stderr') => (text: string) => {
            said[stream] += text
            if (said[stream].length > MOST_CHARACTERS) end('its answer is far too long')
          }
          channel.setEncoding('utf8')
          channel.stderr.setEncoding('utf8')
          channel.on('data', take('stdout'))
          channel.stderr.on('data', take('stderr'))
          channel.on('error', (thrown: Error) => end(thrown.message))
          channel.stderr.on('error', (thrown: Error) => end(thrown.message))
          channel.on('exit', (exit: number | null) => {
            code = exit
          })
          channel.once('close', () =>
            settle(() =>
              // Without a status, somebody killed the command, or the router is going down.
              code === null ? reject(gone(what, whyEnded ?? 'it ended without a status')) : resolve({ code, ...said }),
            ),
          )
          channel.end(stdin)
        })
      } catch (thrown) {
        settle(() => reject(gone(what, reasonOf(thrown))))
      }
    })

  const mutex = makeMutex()
  return {
    // A caller that waits for the mutex waits no longer than its signal lets it.
    exec: (script, options) =>
      orCalledOff(
        mutex.runExclusive(() => run(script, options)),
        `a command on the router ${router}`,
        options.signal,
      ),
    start: (script, hear) => {
      const onEnd = (take: (why: string) => void): void => (whyEnded === null ? void pending.add(take) : take(whyEnded))
      return startProgram({ client, whyEnded: () => whyEnded, end, onEnd }, `${PATH}${script}`, hear)
    },
    isOpen: () => whyEnded === null,
    ends,
    close: () => end('it was closed here'),
  }
}
