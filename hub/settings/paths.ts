import { join } from 'node:path'

/** The files of the hub. */
export interface HubPaths {
  readonly configDir: string
  readonly stateDir: string
  readonly config: string
  /** What hub.yaml said when it was last read well. */
  readonly lastGoodConfig: string
  /** WireGuard's private key; 0600. */
  readonly privateKey: string
  /** The registrar's private key; 0600. */
  readonly tlsKey: string
  readonly certificate: string
  /** What was kept of those three, where they were damaged and could not be written; 0600. */
  readonly copies: { readonly privateKey: string; readonly tlsKey: string; readonly certificate: string }
  /** Which identity counts, where that is not the first one any more. */
  readonly handOver: string
  /** The same, where that file is damaged or lost. */
  readonly handOverCopy: string
  /** Homes, invitations and devices; 0600. */
  readonly store: string
  /** Where homes were last seen. */
  readonly lastEndpoints: string
  /** How the mappings of homes changed. */
  readonly mappings: string
  /** Where SSH servers of this machine were seen. */
  readonly sshPorts: string
  /** Published ports that are left to programs of this machine. */
  readonly keptPorts: string
  /** Homes that were heard since they joined. */
  readonly heardOnce: string
  /** Hosts whose visitors are hidden against their wish. */
  readonly hiddenHosts: string
  /** What homes ask of the owner. */
  readonly requests: string
  /** Which machines register as each home. */
  readonly identities: string
  /** The folder of who did what. */
  readonly audit: string
  /** What the checks of publications found. */
  readonly proofs: string
  /** Control of the daemon, and the lock: whoever holds it may write the store. */
  readonly socket: string
}

export function hubPaths(folders: {
  readonly configDir: string
  readonly stateDir: string
  readonly runtimeDir: string
}): HubPaths {
  return {
    configDir: folders.configDir,
    stateDir: folders.stateDir,
    config: join(folders.configDir, 'hub.yaml'),
    lastGoodConfig: join(folders.stateDir, 'hub.last-good.yaml'),
    privateKey: join(folders.configDir, 'hub.key'),
    tlsKey: join(folders.configDir, 'tls.key'),
    certificate: join(folders.configDir, 'tls.crt'),
    copies: {
      privateKey: join(folders.stateDir, 'hub.key'),
      tlsKey: join(folders.stateDir, 'tls.key'),
      certificate: join(folders.stateDir, 'tls.crt'),
    },
    handOver: join(folders.stateDir, 'hub-identity.json'),
    handOverCopy: join(folders.stateDir, 'hub-identity.copy.json'),
    store: join(folders.stateDir, 'store.json'),
    lastEndpoints: join(folders.stateDir, 'whereabouts.json'),
    mappings: join(folders.stateDir, 'mappings.json'),
    sshPorts: join(folders.stateDir, 'ssh-ports.json'),
    keptPorts: join(folders.stateDir, 'kept-ports.json'),
    heardOnce: join(folders.stateDir, 'heard.json'),
    hiddenHosts: join(folders.stateDir, 'hidden-hosts.json'),
    requests: join(folders.stateDir, 'requests.json'),
    identities: join(folders.stateDir, 'identities.json'),
    audit: join(folders.stateDir, 'audit'),
    proofs: join(folders.stateDir, 'proofs.json'),
    socket: join(folders.runtimeDir, 'hub.sock'),
  }
}
