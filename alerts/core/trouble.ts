/** Everything that can be wrong: the agent's causes of an outage, and what else each end sees. */
export type Trouble =
  /** The tunnel is silent, and nothing is proven yet. */
  | 'unknown'
  // The agent's causes (agent/core/evidence/cause.ts): one that is missing here does not compile there.
  | 'home-offline'
  | 'hub-down'
  | 'home-unknown'
  | 'identity-twice'
  | 'mapping-changed'
  | 'flow-dead'
  | 'return-dead'
  | 'port-blocked'
  | 'udp-blocked'
  | 'peer-unknown'
  | 'endpoint-moved'
  | 'session-lost'
  | 'handshake-blocked'
  | 'handshake-refused'
  | 'mtu-black-hole'
  | 'drift'
  /** The hub hears nothing of a home: no heartbeat, nothing that WireGuard took. */
  | 'home-dark'
  /** The hub's WireGuard hears a home, its agent says nothing. */
  | 'agent-silent'
  /** The tunnel carries, homeward on the hub does not answer. */
  | 'hub-daemon-silent'
  /** The tunnel carries, the registrar cannot be reached outside it. */
  | 'registrar-unreachable'
  /** The tunnel carries, the router that it ends on does not answer the agent, or refuses it. */
  | 'router-silent'
  /** The tunnel carries, and its key is in no file any more: it ends with the next start of its machine. */
  | 'key-file-damaged'
  /** The hub runs, and a file that it needs to be started again is damaged or open to others. */
  | 'hub-file-damaged'
  /** The hub's own checks of a published port fail, and did not before. */
  | 'publication-failing'

/** The part that a trouble concerns: at most one incident of each, and of each of its subjects, is open at a time. */
export type Scope = 'tunnel' | 'agent' | 'hub-daemon' | 'registrar' | 'router' | 'publication' | 'hub-files'

/** Scopes of which homes are told nothing: what is wrong there is the hub's to say. */
export const HUBS_OWN: readonly Scope[] = ['publication', 'hub-files']

/** The end that saw or said something. */
export type End = 'home' | 'hub'

/** Troubles while which nothing passes the tunnel. */
const DARK: readonly Trouble[] = [
  'home-offline',
  'hub-down',
  'home-unknown',
  'identity-twice',
  'flow-dead',
  'return-dead',
  'port-blocked',
  'udp-blocked',
  'peer-unknown',
  'endpoint-moved',
  'session-lost',
  'handshake-blocked',
  'handshake-refused',
  'home-dark',
  'unknown',
]

const INHIBITED: Readonly<Partial<Record<Trouble, readonly Scope[]>>> = {
  'home-offline': ['registrar', 'hub-daemon', 'router'],
  'hub-down': ['registrar', 'hub-daemon'],
  'home-unknown': ['registrar', 'hub-daemon'],
  'home-dark': ['agent'],
  'hub-daemon-silent': ['registrar'],
  unknown: ['registrar', 'hub-daemon', 'agent'],
}

/**
 * Scopes that a trouble inhibits while it lasts (Alertmanager's word): a person is told only of the cause. The tunnel's
 * own causes hide each other by being one incident.
 */
export function inhibitedBy(trouble: Trouble): readonly Scope[] {
  const scopes = INHIBITED[trouble] ?? []
  return DARK.includes(trouble) ? [...scopes, 'publication'] : scopes
}
