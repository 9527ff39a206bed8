import type { Adapter } from '../../adapters/adapter.ts'
import type { OpenPort } from '../../adapters/spec.ts'
import type { Alerting } from '../../alerts/alerting.ts'
import type { Log } from '../../system/process/log.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import type { Occupied } from '../core/lan.ts'
import type { KeptPortsOf } from '../machine/ports/kept-ports.ts'
import type { SenderBlock } from '../drill/drills.ts'
import type { OwnFiles } from '../own-files/own-files.ts'
import type { EchoResponder } from '../presence/echo-responder.ts'
import type { HeardOnce } from '../presence/kept/heard-once.ts'
import type { Identities } from '../presence/kept/kept-identities.ts'
import type { HeartbeatResponder } from '../presence/heartbeat-responder.ts'
import type { LastEndpoints } from '../presence/kept/last-endpoints.ts'
import type { Mappings } from '../presence/kept/mappings.ts'
import type { PeerMonitor } from '../presence/peer-monitor.ts'
import type { PeerViewOf } from '../presence/peer-view.ts'
import type { KeptStandings } from '../proving/kept-standings.ts'
import type { HubStatus } from '../report/status.ts'
import type { OwnIdentity } from '../settings/own-identity.ts'
import type { Settings } from '../settings/settings.ts'
import type { HiddenHosts } from '../store/hidden-hosts.ts'
import type { Store } from '../store/store.ts'
import type { WaitingRequests } from '../store/waiting-requests.ts'
import type { Transports } from '../transport/transports.ts'
import type { VisitPorts } from '../visitors/way-in.ts'
import type { WatchPackets } from './arrivals.ts'

/** The alarm that tells people; null where no daemon runs. */
export type Alarm = Pick<
  Alerting,
  'sign' | 'note' | 'openOf' | 'tell' | 'take' | 'test' | 'testDrill' | 'channels' | 'givenToHomes'
> | null

export interface HubDeps<Opened extends Alarm> {
  /** Of this homeward. Default: homes are not told, and theirs is not compared. */
  readonly version?: string
  readonly settings: Settings
  readonly identity: OwnIdentity
  readonly store: Store
  readonly adapter: Adapter
  readonly peerMonitor: PeerMonitor
  readonly lastEndpoints: LastEndpoints
  readonly mappings: Mappings
  readonly heardOnce: HeardOnce
  /** Default: nothing is remembered. */
  readonly hiddenHosts?: HiddenHosts
  /** null where no daemon runs. */
  readonly heartbeats: HeartbeatResponder | null
  /** null where no daemon runs, as above. */
  readonly transports: Transports | null
  /** null where no daemon runs. */
  readonly echoes: EchoResponder | null
  readonly viewOf: PeerViewOf
  /** @param status may be called at once: it needs nothing of the alarm. */
  readonly openAlerting: (status: () => Promise<HubStatus>) => Promise<Opened>
  /** Files without which the hub cannot be started again. Default: nobody looks after them. */
  readonly ownFiles?: Pick<OwnFiles, 'warnings'>
  /** Who did what. Default: nothing is written. */
  readonly audit?: AuditLog
  /** Which machines are each home. Default: nobody notices two. */
  readonly identities?: Identities
  /** What homes asked of the owner. Default: nothing, and it is forgotten with the process. */
  readonly requests?: WaitingRequests
  /** What checks of publications found before. Default: nothing is known. */
  readonly proofs?: KeptStandings
  readonly ownNetworks: (tunnelInterface: string) => Promise<readonly Occupied[]>
  readonly servedPorts: (protocol: 'tcp' | 'udp') => Promise<ReadonlySet<number>>
  /** Ports of this machine that were asked for through the tunnel and are closed to it. Default: nobody knows. */
  readonly closedPortsAsked?: () => Promise<readonly OpenPort[]>
  /** Ports that publications leave to programs of this machine; default: only 22. */
  readonly ssh?: KeptPortsOf
  /** Watches packets on this machine, and opens its ports as a stranger does; default: nobody can. */
  readonly watchPackets?: WatchPackets
  readonly visitPorts?: VisitPorts
  /** Blocks a home's packets during its drill; default: nobody can. */
  readonly senderBlock?: SenderBlock
  readonly clock: Clock
  readonly log: Log
}
