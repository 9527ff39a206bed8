import { createHash, randomBytes } from 'node:crypto'
import { isAtLeast, type Version } from '../version.ts'

/** What a session answers to `/login`, in both styles (manual, "API", Initial login). */
export interface LoginDesk {
  /** @param checks whether a name's password fits. */
  readonly answer: (attributes: ReadonlyMap<string, string>, checks: Check) => LoginAnswer
}

/** @returns true when it let him in. @param isHis whether that is his password. */
type Check = (user: string, isHis: (password: string) => boolean) => boolean

type LoginAnswer =
  | { readonly kind: 'in' }
  | { readonly kind: 'challenge'; readonly ret: string }
  | { readonly kind: 'refused'; readonly message: string }

export function loginDesk(version: Version): LoginDesk {
  // Before 6.43 the password was never sent: a challenge came, and an MD5 of both went back.
  const isOld = !isAtLeast(version, '6.43')
  let challenge: Buffer | null = null
  return {
    answer: (attributes, checks) => {
      const user = attributes.get('name') ?? ''
      if (!isOld) {
        const given = attributes.get('password') ?? ''
        if (checks(user, (password) => password === given)) return { kind: 'in' }
        return { kind: 'refused', message: 'invalid user name or password (6)' }
      }
      const response = attributes.get('response')
      if (response === undefined) {
        challenge = randomBytes(16)
        return { kind: 'challenge', ret: challenge.toString('hex') }
      }
      const asked = challenge
      challenge = null
      if (asked !== null && checks(user, (password) => response === responseTo(asked, password))) return { kind: 'in' }
      return { kind: 'refused', message: 'cannot log in' }
    },
  }
}

/** 00, and the MD5 of a zero byte, the password's bytes and the challenge's. */
function responseTo(challenge: Buffer, password: string): string {
  const hash = createHash('md5')
    .update(Buffer.from([0]))
    .update(Buffer.from(password, 'latin1'))
    .update(challenge)
  return `00${hash.digest('hex')}`
}
