import { text } from 'node:stream/consumers'
import { Problem } from '../../problems/problem.ts'
import { askedSecret } from '../asked-secret.ts'

/**
 * The token of a call: as pasted, also in several words where a terminal broke it into lines; `-` reads standard input;
 * where none is given, a person at a terminal is asked, which keeps it out of the shell's history.
 * @throws {Problem} `wrong-usage`, `interrupted`.
 */
export async function givenToken(words: readonly string[]): Promise<string> {
  if (words.length === 1 && words[0] === '-') return await text(process.stdin)
  if (words.length > 0) return words.join('')
  const what = 'joining the hub'
  if (!process.stdin.isTTY)
    throw new Problem('wrong-usage', {
      what,
      why: 'no token was given',
      next: 'Pass the token that homeward hub invite printed on the hub, or - to read it from standard input',
    })
  return await askedSecret('The token that homeward hub invite printed on the hub', what)
}
