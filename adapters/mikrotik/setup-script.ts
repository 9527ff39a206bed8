import { NEEDED_POLICIES } from './rights.ts'

/** The settings with which a router's owner prepares it, once, at its console. */
export interface Setup {
  readonly user: string
  readonly group: string
  /** The user's password, only of letters, digits, - and _: the console has its own meaning for some others. */
  readonly password: string
  /** The address from which the agent connects; null: any. */
  readonly from: string | null
  /** The address at which the agent reaches the router; null: not known. */
  readonly address: string | null
}

/**
 * Policies that every RouterOS 7 also has, to be denied. Newer ones have more (rest-api); a new group is denied what is
 * not named (RouterOS manual, User groups), and an older router would refuse an unknown name.
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

/** The name of the certificate on the router. */
const CERTIFICATE = 'homeward'

/** A script for the router's console, to paste or to send by SSH. A comment above each part says what it is for. */
export function setupScript({ user, group, password, from, address }: Setup): string {
  const policy = [...NEEDED_POLICIES, ...DENIED.map((name) => `!${name}`)].join(',')
  const allowed = from === null ? '' : ` address=${from}`
  const subject = address === null ? '' : ` subject-alt-name=${/^[\d.]+$|:/.test(address) ? 'IP' : 'DNS'}:${address}`
  return `# 1. A certificate, by which this machine recognises the router. On a small router signing takes a minute.
/certificate/add name=${CERTIFICATE} common-name=${CERTIFICATE}${subject} key-size=2048 days-valid=3650 key-usage=tls-server
/certificate/sign ${CERTIFICATE}

# 2. A group that may look, change and ping over the API, and nothing else: no users, no keys, no other way in.
/user/group/add name=${group} policy=${policy}

# 3. A user of that group${from === null ? '' : `, who is taken from ${from} alone`}.
/user/add name=${user} group=${group} password="${password}"${allowed}

# 4. If the API with TLS is on already: its certificate and addresses, kept as comments of the two, for taking this back.
:if ([:len [/ip/service/find where name=api-ssl and disabled=no]] != 0) do={
/user/group/set ${group} comment=[/ip/service/get api-ssl certificate]
/user/set ${user} comment=[/ip/service/get api-ssl address]
}

# 5. The API with TLS, with that certificate${from === null ? ', for every address that the firewall lets in' : `, for ${from} alone`}.
/ip/service/set api-ssl certificate=${CERTIFICATE} disabled=no${allowed}
`
}

/** The script that undoes the setup: the API with TLS is as it was, on or off. */
export function undoScript({ user, group }: Pick<Setup, 'user' | 'group'>): string {
  const wasOn = `[:len [/user/group/find where name=${group} and comment~"."]]`
  return `:if (${wasOn} = 0) do={/ip/service/set api-ssl certificate=none disabled=yes address=""}
:if (${wasOn} != 0) do={/ip/service/set api-ssl certificate=[/user/group/get ${group} comment] address=[/user/get ${user} comment]}
/user/remove ${user}
/user/group/remove ${group}
/certificate/remove ${CERTIFICATE}
`
}
