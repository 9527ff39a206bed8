import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { afterEach, expect, test } from 'vitest'
import { mail } from '../../../alerts/channels/mail.ts'
import type { Message } from '../../../alerts/record/message.ts'

/** A real SMTP server on loopback. */
let server: SMTPServer | undefined
afterEach(() => new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve()))))

interface Got {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
}

async function serve(options: ConstructorParameters<typeof SMTPServer>[0] = {}): Promise<{ port: number; got: Got[] }> {
  const got: Got[] = []
  const made = new SMTPServer({
    logger: false,
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onAuth: (auth, _session, done) =>
      auth.username === 'me' && auth.password === 'hunter2'
        ? done(null, { user: 'me' })
        : done(new Error('hunter2 is wrong')),
    onData: (stream, { envelope }, done) => {
      void text(stream).then((body) => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        got.push({ from, to: envelope.rcptTo.map(({ address }) => address), text: body })
        // oxlint-disable-next-line promise/no-callback-in-promise -- the server wants to be called back
        done()
      })
    },
    ...options,
  })
  server = made
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', () => resolve()))
  return { port: (made.server.address() as AddressInfo).port, got }
}

const settings = {
  kind: 'mail',
  host: '127.0.0.1',
  security: 'none',
  from: 'hw@x.example',
  to: ['a@x.example', 'b@x.example'],
} as const
const message: Message = {
  id: 'cabin-1.down',
  kind: 'down',
  at: '2026-11-23T03:12:05.000Z',
  home: 'cabin',
  title: 'cabin: the home’s internet is down',
  text: 'Since then.\nLook at it.',
  incident: null,
}
const soon = (): AbortSignal => AbortSignal.timeout(10_000)

test('a mail to each of them, dated when it happened, with the same id on every try', async () => {
  const { port, got } = await serve()
  const channel = mail({ ...settings, port, to: [...settings.to], user: 'me', password: 'hunter2' })
  await channel.send!(message, soon())
  await channel.send!(message, soon())
  expect(got).toMatchObject([{ from: 'hw@x.example', to: settings.to }, {}])
  expect(got[0]!.text).toContain('Date: Mon, 23 Nov 2026 03:12:05 +0000')
  expect(got[0]!.text).toContain('Since then.')
  const idOf = (one: Got): string | undefined => /^Message-ID: (.*)$/im.exec(one.text)?.[1]
  expect(idOf(got[0]!)).toBe('<cabin-1.down@x.example>')
  expect(idOf(got[1]!)).toBe(idOf(got[0]!))
})

test('a server without STARTTLS gets neither password nor mail', async () => {
  const { port, got } = await serve()
  const channel = mail({ ...settings, port, to: 'a@x.example', security: 'starttls', user: 'me', password: 'hunter2' })
  await expect(channel.send!(message, soon())).rejects.toThrow('127.0.0.1: ETLS')
  expect(got).toEqual([])
})

test('a wrong password is named without it, whatever the server says', async () => {
  const { port } = await serve()
  const channel = mail({ ...settings, port, to: 'a@x.example', user: 'you', password: 'hunter2' })
  const thrown: unknown = await channel.send!(message, soon()).catch((error: unknown) => error)
  expect((thrown as Error).message).toBe('127.0.0.1: EAUTH, it answered 535')
})
