import type { HostKey } from '../../../adapters/openwrt/ssh/host-key.ts'

/** A real router for the contract, and where the key to log in with is. */
export interface GivenOpenwrt {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly identityFile: string
  /** Its SHA-256; the type is what the router shows. */
  readonly hostKey: HostKey['sha256']
}

/**
 * From HOMEWARD_TEST_OPENWRT (its address), …_IDENTITY_FILE (an SSH key that it takes), …_HOST_KEY (`SHA256:…`), …_USER
 * (root), …_PORT (22).
 * @returns null when none is named.
 * @throws {TypeError} that names what is missing.
 */
export function givenOpenwrt(environment: Readonly<Record<string, string | undefined>>): GivenOpenwrt | null {
  const name = 'HOMEWARD_TEST_OPENWRT'
  const host = environment[name]
  if (host === undefined || host === '') return null
  const identityFile = environment[`${name}_IDENTITY_FILE`]
  if (identityFile === undefined) throw new TypeError(`${name} is given: ${name}_IDENTITY_FILE has to be, too`)
  const hostKey = (environment[`${name}_HOST_KEY`] ?? '').replace(/^SHA256:/, '').replace(/=+$/, '')
  if (!/^[A-Za-z0-9+/]{43}$/.test(hostKey))
    throw new TypeError(`${name} is given: ${name}_HOST_KEY has to be its SHA256:…, as ssh-keygen -l prints it`)
  return {
    host,
    port: Number(environment[`${name}_PORT`] ?? 22),
    user: environment[`${name}_USER`] ?? 'root',
    identityFile,
    hostKey,
  }
}
