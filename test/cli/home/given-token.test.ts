import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import { givenToken } from '../../../cli/home/given-token.ts'
import { formatToken, parseToken } from '../../../protocol/token.ts'
import { newKey } from '../../hub/loopback-hub.ts'

const token = formatToken({
  home: 'cabin',
  addresses: ['vps.example.org'],
  port: 51_820,
  hubPublicKey: newKey(),
  certificate: 'ab'.repeat(32),
  joinSecret: randomBytes(32).toString('base64url'),
})

const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!
afterEach(() => {
  Object.defineProperty(process, 'stdin', stdin)
  vi.restoreAllMocks()
})
function onStandardInput(text: string): void {
  const value = Object.assign(Readable.from([text]), { isTTY: false })
  Object.defineProperty(process, 'stdin', { value, configurable: true })
}

test('a token that a terminal broke into lines is one token, however it was quoted', async () => {
  const lines = token.match(/.{1,60}/g)!
  expect(parseToken(await givenToken(lines))).toMatchObject({ home: 'cabin' })
  expect(parseToken(await givenToken([lines.join('\n  ')]))).toMatchObject({ home: 'cabin' })
})

test('it comes by standard input, for whom the shell’s history is no place for it', async () => {
  onStandardInput(`${token}\n`)
  expect(parseToken(await givenToken(['-']))).toMatchObject({ home: 'cabin' })
})

test('without one, and with nobody to ask, it is wrong usage, and nothing is waited for', async () => {
  onStandardInput(token)
  await expect(givenToken([])).rejects.toMatchObject({ code: 'wrong-usage' })
})
