import { NEEDED_POLICIES } from './rights.ts'

/** What a router is prepared with, once, by its owner at its console. */
export interface Setup {
  readonly user: string
  readonly group: string
  /** Of letters, digits, - and _ alone: the console has its own meaning for some others. */
  readonly password: string
  /** Where the agent comes from; null: from everywhere. */
  readonly from: string | null
  /** How the agent reaches the router; null: not said. */
  readonly address: string | null
}

/**
 * What every RouterOS 7 has besides. Newer ones have more (rest-api); a group that is added is denied what is not named
 * (RouterOS manual, User groups), and an older one would refuse the name.
 */
const DENIED = [
  'local',
  'telnet',
  'ssh',
  'ftp',
  'reboot',
  'policy',
  'winbox',
  'password',
  'web',
  'sniff',
  'sensitive',
  'romon',
]

/** Name of the certificate on the router. */
const CERTIFICATE = 'homeward'

/** A script for the router's console: paste it, or send it by SSH. What each part is for stands above it. */
export function setupScript({ user, group, password, from, address }: Setup): string {
  const policy = [...NEEDED_POLICIES, ...DENIED.map((name) => `!${name}`)].join(',')
  const allowed = from === null ? '' : ` address=${from}`
  const subject = address === null ? '' : ` subject-alt-name=${/^[\d.]+$|:/.test(address) ? 'IP' : 'DNS'}:${address}`
  return `# 1. A certificate, by which this machine recognises the router. On a small router signing takes a minute.
/certificate/add name=${CERTIFICATE} common-name=${CERTIFICATE}${subject} key-size=2048 days-valid=3650 key-usage=tls-server
/certificate/sign ${CERTIFICATE}

# 2. The API with TLS, with that certificate${from === null ? ', for every address that the firewall lets in' : `, for ${from} alone`}.
/ip/service/set api-ssl certificate=${CERTIFICATE} disabled=no${allowed}

# 3. A group that may look, change and ping over the API, and nothing else: no users, no keys, no other way in.
/user/group/add name=${group} policy=${policy}

# 4. A user of that group${from === null ? '' : `, who is taken from ${from} alone`}.
/user/add name=${user} group=${group} password="${password}"${allowed}
`
}

/** The same undone. */
export function undoScript({ user, group }: Pick<Setup, 'user' | 'group'>): string {
  return `/ip/service/set api-ssl certificate=none disabled=yes address=""
/user/remove ${user}
/user/group/remove ${group}
/certificate/remove ${CERTIFICATE}
`
}
