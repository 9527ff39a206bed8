import { afterEach, expect, test, vi } from 'vitest'
import { openSession } from '../../../../adapters/mikrotik/api/api.ts'
import { PASSWORD, type RawRouter, sentence, startRawRouter } from '../raw-router.ts'

/** `debug` reads the variable when it is loaded, which is with the first session of this process. */
process.env['DEBUG'] = '*'

let router: RawRouter | null = null

afterEach(async () => {
  vi.restoreAllMocks()
  await router?.close()
})

test('with DEBUG=* the library speaks, and no word of a sentence comes out', async () => {
  let written = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += String(text)
    return true
  })
  const never = new AbortController().signal
  router = await startRawRouter((_words, tag, socket) => {
    socket.write(sentence('!re', '=private-key=a-private-key', tag))
    socket.write(sentence('!trap', '=message=a-refusal', tag))
    socket.write(sentence('!done', tag))
  })
  const session = await openSession(router.access(), never)
  await expect(
    session.exec({ command: '/ppp/secret/add', attributes: { secret: 'a-secret' } }, never),
  ).rejects.toThrow()
  session.close()
  expect(written).toContain('routeros-api:')
  for (const word of [PASSWORD, 'homeward', 'a-private-key', 'a-refusal', 'a-secret'])
    expect(written).not.toContain(word)
})
