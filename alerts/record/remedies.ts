import { type NamedRemedy, reportedWord } from '../../protocol/incidents.ts'

/** Names of remedies for people, to follow “trying” and “tried”. */
export const REMEDIES = {
  'new-source-port': 'another source port',
  'forget-flow': 'a fresh entry in the router’s connection table',
  'new-session': 'a new WireGuard session',
  'set-endpoint': 'another port or address of the hub',
  register: 'registering again',
  reset: 'a new session at both ends',
  carrier: 'TCP instead of UDP',
  silence: 'a pause, so that the carrier’s NAT forgets the connection',
  rebuild: 'a new interface',
  'set-mtu': 'smaller packets',
  apply: 'restoring the settings',
  'way-back': 'the direct way again',
  other: 'a remedy that this version does not know',
} as const satisfies Record<NamedRemedy, string>

/** A remedy as somebody reported it, with its endpoint, if any; one unknown to homeward stays marked as theirs. */
export function namedRemedy(reported: string): string {
  const [kind = '', endpoint] = reportedWord(reported).split(' ')
  if (!isRemedy(kind)) return reportedWord(reported)
  return endpoint === undefined ? REMEDIES[kind] : `${REMEDIES[kind]} (${endpoint})`
}

function isRemedy(text: string): text is keyof typeof REMEDIES {
  return Object.hasOwn(REMEDIES, text)
}
