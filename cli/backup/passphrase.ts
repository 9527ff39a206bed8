import { randomBytes } from 'node:crypto'
import { Problem } from '../../problems/problem.ts'
import { readSecretFile } from '../../system/files/secret-file.ts'
import { askedSecret } from '../asked-secret.ts'
import { tell } from '../output.ts'

/** As short as a passphrase may be, characters: scrypt makes each try dear, and no more than that. */
const LEAST = 8

export interface PassphraseOptions {
  readonly passphraseFile?: string
}

/**
 * The passphrase of a new backup: from a file, or asked twice at the terminal, where an empty one lets homeward make it.
 * @throws {Problem} `wrong-usage`, `config-unreadable`, `secret-exposed`, `interrupted`.
 */
export async function newPassphrase({ passphraseFile }: PassphraseOptions, what: string): Promise<string> {
  if (passphraseFile !== undefined) return longEnough(await readSecretFile(passphraseFile), what)
  requireTerminal(what)
  const first = await askedSecret('Passphrase for the backup (empty: let homeward make one)', what)
  if (first === '') {
    const made = newWords()
    tell(`The passphrase, which is kept nowhere: write it down, elsewhere than the backup.\n\n  ${made}\n`)
    return made
  }
  if ((await askedSecret('The same again', what)) === first) return longEnough(first, what)
  throw new Problem('wrong-usage', { what, why: 'the two passphrases differ', next: 'Try again; nothing was written' })
}

/** The passphrase of a backup that there is. @throws {Problem} as above. */
export async function knownPassphrase({ passphraseFile }: PassphraseOptions, what: string): Promise<string> {
  if (passphraseFile !== undefined) return await readSecretFile(passphraseFile)
  requireTerminal(what)
  return await askedSecret('Passphrase of the backup', what)
}

function requireTerminal(what: string): void {
  if (process.stdin.isTTY && process.stderr.isTTY) return
  throw new Problem('wrong-usage', {
    what,
    why: 'there is no terminal to ask for the passphrase at',
    next: 'Pass --passphrase-file FILE, a file that only its owner can read',
  })
}

function longEnough(passphrase: string, what: string): string {
  if (passphrase.length >= LEAST) return passphrase
  throw new Problem('wrong-usage', {
    what,
    why: `the passphrase has fewer than ${LEAST} characters, and anyone who finds the backup can try as long as they like`,
    next: 'Take a longer one; nothing was written',
  })
}

/** Letters and digits that nobody takes for another one (Crockford's base32), 100 bits in groups of five. */
function newWords(): string {
  const letters = '0123456789abcdefghjkmnpqrstvwxyz'
  const text = [...randomBytes(20)].map((byte) => letters[byte % letters.length]).join('')
  return (text.match(/.{5}/g) ?? []).join('-')
}
