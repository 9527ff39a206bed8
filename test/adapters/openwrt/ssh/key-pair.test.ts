import ssh2 from 'ssh2'
import { expect, test } from 'vitest'
import { newKeyPair } from '../../../../adapters/openwrt/ssh/key-pair.ts'

test('each key that is made can be read again, both halves of it', async () => {
  // One of 256 could not.
  for (let made = 0; made < 2_000; made += 1) {
    const pair = await newKeyPair('ed25519', 'homeward')
    for (const half of [pair.private, pair.public]) expect(ssh2.utils.parseKey(half)).not.toBeInstanceOf(Error)
  }
})

test('an RSA key, for routers that know no other', async () => {
  const { public: line } = await newKeyPair('rsa', 'homeward')
  expect(line).toMatch(/^ssh-rsa \S+ homeward$/)
})
