/** The causes of an outage. docs/architecture.md says what proves each, and what is done against it. */
export type Cause =
  /** The default route, the gateway, or everything outside is gone: no remedy of the tunnel can help. */
  | 'home-offline'
  /** The outside answers, the hub does not, neither UDP nor TCP. */
  | 'hub-down'
  /** The hub's registrar answers that it does not know this home: it was removed, or the hub's state is from a backup. */
  | 'home-unknown'
  /** The hub heard another machine with this home's key and secret: each takes the other's session. */
  | 'identity-twice'
  /** The carrier gave the flow another address or port; the next heartbeat went through it. */
  | 'mapping-changed'
  /** The hub hears nothing of the tunnel, though it hears a fresh socket of ours: a stale NAT entry, a blocked 5-tuple. */
  | 'flow-dead'
  /** The hub hears us, and its answers do not arrive. */
  | 'return-dead'
  /** The hub's port that we send to is dead, another one is not. */
  | 'port-blocked'
  /** No UDP gets through to any port of the hub, TCP does. */
  | 'udp-blocked'
  /** The hub's WireGuard has no peer with our key. */
  | 'peer-unknown'
  /** The hub's name resolves to another address now, and the hub answers there. */
  | 'endpoint-moved'
  /** The path is fine, but one end has no session any more: the hub was restarted, or the silence outlived the keys. */
  | 'session-lost'
  /** Data passed and no handshake did, until the key ended: something on the path drops WireGuard's handshakes. */
  | 'handshake-blocked'
  /** Our initiations arrive and are not accepted: our clock stepped back, or a key is wrong. */
  | 'handshake-refused'
  /** Small packets pass, full-size ones do not. */
  | 'mtu-black-hole'
  /** Something of ours on this machine was changed or removed. */
  | 'drift'
