import { setMaxListeners } from 'node:events'
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { openSession, Trap } from '../../../../adapters/mikrotik/api/api.ts'
import type { Session } from '../../../../adapters/mikrotik/api/session.ts'
import { type Answer, PASSWORD, type RawRouter, sentence, startRawRouter } from '../raw-router.ts'

/** Each test is named by what node-routeros 1.6.9 does without our guard, or by what a command may rely on. */

const never = new AbortController().signal
setMaxListeners(0, never)
let router: RawRouter | null = null
let session: Session | null = null

afterEach(async () => {
  session?.close()
  await router?.close()
  session = null
  router = null
})

async function open(answer: Answer): Promise<Session> {
  router = await startRawRouter(answer)
  session = await openSession(router.access(), never)
  return session
}

const print = { command: '/interface/print' }

describe('an answer', () => {
  test('`!empty` is an answer without rows, and the next command works', async () => {
    const { exec } = await open((_words, tag, socket) => {
      socket.write(sentence('!empty', tag))
      socket.write(sentence('!done', tag))
    })
    expect(await exec(print, never)).toEqual({ rows: [], ret: null })
    expect(await exec(print, never)).toEqual({ rows: [], ret: null })
  })

  test('rows keep what is empty and lack what is absent; a value may hold =', async () => {
    const { exec } = await open((_words, tag, socket) => {
      socket.write(sentence('!re', '=.id=*1', '=comment=', '=public-key=abc=', tag))
      socket.write(sentence('!done', tag))
    })
    expect((await exec(print, never)).rows).toEqual([{ '.id': '*1', comment: '', 'public-key': 'abc=' }])
  })

  test('what a command returned comes with its end', async () => {
    const { exec } = await open((_words, tag, socket) => socket.write(sentence('!done', '=ret=*5', tag)))
    expect(await exec({ command: '/ip/address/add' }, never)).toEqual({ rows: [], ret: '*5' })
  })

  test('a refusal keeps message, category and the rows before it', async () => {
    const { exec } = await open((_words, tag, socket) => {
      socket.write(sentence('!re', '=.id=*1', tag))
      socket.write(sentence('!trap', '=category=1', '=message=input does not match any value of interface', tag))
      socket.write(sentence('!trap', '=message=another one', tag))
      socket.write(sentence('!done', tag))
    })
    const thrown = await exec(print, never).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(Trap)
    expect(thrown).toMatchObject({
      message: 'input does not match any value of interface',
      category: 1,
      rows: [{ '.id': '*1' }],
    })
  })

  test('stray, late and untagged sentences, and replies of no known kind, do not make the connection deaf', async () => {
    const { exec } = await open((_words, tag, socket) => {
      socket.write(sentence('!re', '=x=1', '.tag=nobody'))
      socket.write(sentence('!trap', '=message=not for anybody'))
      socket.write(sentence('!news', '=x=1', tag))
      socket.write(sentence('!re', '=x=2', tag))
      socket.write(sentence('!done', tag))
      socket.write(sentence('!done', tag))
    })
    expect((await exec(print, never)).rows).toEqual([{ x: '2' }])
    expect((await exec(print, never)).rows).toEqual([{ x: '2' }])
  })

  test('a last zero byte, and a split length, in segments of their own complete the answer', async () => {
    const long = 'x'.repeat(300)
    const { exec } = await open((_words, tag, socket) => {
      const bytes = Buffer.concat([sentence('!re', `=source=${long}`, tag), sentence('!done', tag)])
      void inSegments(socket, bytes)
    })
    expect((await exec(print, never)).rows).toEqual([{ source: long }])
  })
})

describe('a connection that ends', () => {
  const ends: readonly (readonly [string, (socket: Socket) => void, RegExp])[] = [
    ['by FIN', (socket) => socket.end(), /ended the connection/],
    ['by RST', (socket) => socket.resetAndDestroy(), /ECONNRESET|the connection ended/],
    ['by !fatal', (socket) => socket.end(sentence('!fatal', 'session terminated on request')), /terminated on request/],
    ['by bytes that are no protocol', (socket) => socket.write(Buffer.from([0xf8, 1, 2, 3])), /does not speak/],
    ['by a sentence that is no reply', (socket) => socket.write(sentence('!re\0\u00ff', '=x=1')), /no reply/],
    ['by a word that is no attribute', (socket) => socket.write(sentence('!re', '\u0013x', '.tag=1')), /no reply/],
  ]
  for (const [how, act, why] of ends)
    test(`${how} rejects every command in flight, and says why`, async () => {
      const { exec, ended, isOpen } = await open((words, _tag, socket) => {
        if (words[0] === '/last') act(socket)
      })
      const both = await Promise.allSettled([exec(print, never), exec({ command: '/last' }, never)])
      for (const result of both) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'router-unreachable' } })
      }
      expect(await ended).toMatch(why)
      expect(isOpen()).toBe(false)
      await expect(exec(print, never)).rejects.toMatchObject({ code: 'router-unreachable' })
    })
})

describe('a deadline', () => {
  test('cancels the command, and the connection goes on', async () => {
    const { exec } = await open((words, tag, socket) => {
      if (words[0] === '/cancel') {
        const cancelled = words.find((word) => word.startsWith('=tag='))?.slice('=tag='.length) ?? ''
        socket.write(sentence('!trap', '=category=2', '=message=interrupted', `.tag=${cancelled}`))
        socket.write(sentence('!done', tag))
        socket.write(sentence('!done', `.tag=${cancelled}`))
      } else if (words[0] === '/works') socket.write(sentence('!done', tag))
    })
    await expect(exec(print, never, 50)).rejects.toMatchObject({ code: 'router-timeout' })
    await exec({ command: '/works' }, never)
    expect(router?.heard.map(([command]) => command)).toEqual(['/login', '/interface/print', '/cancel', '/works'])
  })

  test('a signal does the same', async () => {
    const calledOff = new AbortController()
    const { exec } = await open(() => calledOff.abort())
    await expect(exec(print, calledOff.signal)).rejects.toMatchObject({ code: 'interrupted' })
    await expect(exec(print, calledOff.signal)).rejects.toMatchObject({ code: 'interrupted' })
  })
})

test('a late answer to a command that was given up is nobody’s', async () => {
  let late: (() => void) | null = null
  const { exec } = await open((words, tag, socket) => {
    const row = sentence('!re', `=was=${words[0]}`, tag)
    const answer = (): unknown => socket.write(Buffer.concat([row, sentence('!done', tag)]))
    if (words[0] === '/late') late = answer
    else if (words[0] !== '/cancel') {
      late?.()
      answer()
    }
  })
  await expect(exec({ command: '/late' }, never, 30)).rejects.toMatchObject({ code: 'router-timeout' })
  expect((await exec({ command: '/next' }, never)).rows).toEqual([{ was: '/next' }])
})

test('one sentence can be sent again and again: it is left as it was, and each time it has one tag', async () => {
  const { exec } = await open((_words, tag, socket) => socket.write(sentence('!done', tag)))
  const again = Object.freeze({
    command: '/ip/route/print',
    attributes: Object.freeze({ '.proplist': '.id,comment' }),
    queries: Object.freeze(['?comment=x']),
  })
  await exec(again, never)
  await exec(again, never)
  const [, first, second] = router?.heard ?? []
  expect(first?.slice(0, 3)).toEqual(['/ip/route/print', '=.proplist=.id,comment', '?comment=x'])
  for (const words of [first, second]) expect(words?.filter((word) => word.startsWith('.tag='))).toHaveLength(1)
  expect(first?.at(-1)).not.toBe(second?.at(-1))
})

test('text goes out in UTF-8, and comes in as UTF-8 or as a Windows code page', async () => {
  const { exec } = await open((_words, tag, socket) => {
    const comment = Buffer.from('=comment=K\u00fcche', 'latin1')
    const old = Buffer.concat([Buffer.from([comment.length]), comment])
    socket.write(Buffer.concat([sentence('!re').subarray(0, -1), old, sentence(tag)]))
    socket.write(sentence('!re', '=comment=Кухня', tag))
    socket.write(sentence('!done', tag))
  })
  const { rows } = await exec({ command: '/x/print', attributes: { comment: 'Küche – Кухня' } }, never)
  expect(rows).toEqual([{ comment: 'Küche' }, { comment: 'Кухня' }])
  expect(router?.heard[1]).toContain('=comment=Küche – Кухня')
})

test('a quiet session is no dead one, and a closed one leaves no socket', async () => {
  const { exec, close, ended, isOpen } = await open((_words, tag, socket) => socket.write(sentence('!done', tag)))
  await exec(print, never)
  expect(isOpen()).toBe(true)
  close()
  close()
  expect(await ended).toBe('it was closed here')
  await expect.poll(() => router?.sockets.size).toBe(0)
})

test('200 commands at once are answered each with its own', async () => {
  const { exec } = await open((words, tag, socket) => {
    const rows = sentence('!re', `=was=${words[0]}`, tag)
    setImmediate(() => socket.write(Buffer.concat([rows, sentence('!done', tag)])))
  })
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, index) => exec({ command: `/number/${index}` }, never)),
  )
  expect(replies.map(({ rows }) => rows[0]?.['was'])).toEqual(
    Array.from({ length: 200 }, (_, index) => `/number/${index}`),
  )
})

test('a wrong password is said in the router’s words, and no error holds it', async () => {
  router = await startRawRouter(
    (_words, tag, socket) => {
      socket.write(sentence('!trap', '=message=invalid user name or password (6)', tag))
      socket.write(sentence('!done', tag))
    },
    { logsIn: false },
  )
  const thrown = await openSession(router.access(), never).catch((error: unknown) => error as Error)
  expect(thrown).toMatchObject({ code: 'router-login-refused', message: expect.stringContaining('invalid user name') })
  expect(String((thrown as Error).stack)).not.toContain(PASSWORD)
})

test('a router of before 6.43 is answered its challenge, in bytes', async () => {
  const password = 'pässwörd'
  const challenge = 'ebddd18303a54111e2dea05a92ab46b4'
  router = await startRawRouter(
    (words, tag, socket) => {
      const isFirst = words.some((word) => word.startsWith('=password='))
      socket.write(isFirst ? sentence('!done', `=ret=${challenge}`, tag) : sentence('!done', tag))
    },
    { logsIn: false },
  )
  session = await openSession({ ...router.access(), password: () => Promise.resolve(password) }, never)
  const hash = createHash('md5')
    .update(Buffer.from([0]))
    .update(Buffer.from(password))
    .update(Buffer.from(challenge, 'hex'))
  expect(router.heard[1]).toContain(`=response=00${hash.digest('hex')}`)
})

test('a login that is refused in other words is refused all the same', async () => {
  router = await startRawRouter(
    (_words, tag, socket) => {
      socket.write(sentence('!trap', '=message=could not authenticate - radius timeout (13)', tag))
      socket.write(sentence('!done', tag))
    },
    { logsIn: false },
  )
  await expect(openSession(router.access(), never)).rejects.toMatchObject({
    code: 'router-login-refused',
    why: expect.stringContaining('radius timeout'),
  })
  await expect.poll(() => router?.sockets.size).toBe(0)
})

async function inSegments(socket: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve))
}
