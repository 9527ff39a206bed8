import type { RouterAccess } from '../../adapters/mikrotik/api/session.ts'

/** A real router for the contract, and where its password is. */
export interface GivenRouter extends Omit<RouterAccess, 'password'> {
  readonly passwordFile: string
}

/**
 * From HOMEWARD_TEST_ROUTEROS (its address), …_USER (homeward), …_PASSWORD_FILE, …_FINGERPRINT (its certificate's SHA-256,
 * colons or not) or …_PLAIN=1 (unencrypted), …_PORT.
 * @returns null when none is named.
 * @throws {TypeError} that names what is missing.
 */
export function givenRouter(environment: Readonly<Record<string, string | undefined>>): GivenRouter | null {
  const name = 'HOMEWARD_TEST_ROUTEROS'
  const host = environment[name]
  if (host === undefined || host === '') return null
  const passwordFile = environment[`${name}_PASSWORD_FILE`]
  if (passwordFile === undefined) throw new TypeError(`${name} is given: ${name}_PASSWORD_FILE has to be, too`)
  const isPlain = environment[`${name}_PLAIN`] === '1'
  const fingerprint = (environment[`${name}_FINGERPRINT`] ?? '').replaceAll(':', '').toLowerCase()
  if (!isPlain && !/^[\da-f]{64}$/.test(fingerprint))
    throw new TypeError(`${name} is given: ${name}_FINGERPRINT has to be 64 hex digits, or ${name}_PLAIN=1`)
  return {
    host,
    port: Number(environment[`${name}_PORT`] ?? (isPlain ? 8728 : 8729)),
    user: environment[`${name}_USER`] ?? 'homeward',
    certificate: isPlain ? null : fingerprint,
    passwordFile,
  }
}
