import type { DeviceInput, RotationInput } from '../core/devices.ts'
import type { Home, StoreDocument } from '../core/store-document.ts'
import type { NetworkMove } from '../core/move-network.ts'
import type { Drills } from '../drill/drills.ts'
import type { Follow } from '../machine/follow.ts'
import type { HubStatus } from '../report/status.ts'
import type { HubConfig } from '../settings/config.ts'
import type { ArrivalsAnswer } from '../../protocol/arrivals.ts'
import type { Succession } from '../../protocol/succession.ts'
import type { Alerting } from '../../alerts/alerting.ts'
import type { AlertTests, OwnAlertTest } from './alert-tests.ts'
import type { DeviceService } from './device-service.ts'
import type { Homes } from './homes.ts'
import type { IdentityChange } from './identity-change.ts'
import type { Members } from './members.ts'
import type { Publishing } from './publishing.ts'
import type { RevokeOther } from './revoke-other.ts'

/** All operations of the hub, whoever asks: the registrar for homes, the socket for the machine's owner. */
export interface Hub
  extends Homes,
    Omit<DeviceService, 'followExpiry'>,
    Pick<Follow, 'reconcile' | 'reconcileOrLog' | 'isComplete' | 'lookForSsh'> {
  readonly config: HubConfig
  readonly testAlerts: AlertTests
  readonly testOwnAlerts: OwnAlertTest
  /** The channels in use; null where no daemon runs. */
  readonly alertChannels: () => ReturnType<Alerting['channels']> | null
  readonly publications: Publishing
  readonly members: Members
  readonly revokeOther: RevokeOther
  readonly drills: Pick<Drills, 'begin' | 'end' | 'isMuted'>
  readonly identity: Pick<IdentityChange, 'rotate' | 'report'> & {
    /** What leads to the present certificate. Anybody may know. */
    readonly successions: () => readonly Succession[]
  }
  /** Tells a home what this machine sees arrive of it. @param from the address that the home's call came from. */
  readonly arrivals: (caller: Home, nonce: string, from: string) => Promise<ArrivalsAnswer>
  readonly status: () => Promise<HubStatus>
  readonly document: () => StoreDocument
  /** Looks again, and says what keeps packets from outside from this hub. Never throws. */
  readonly proveWayIn: () => Promise<readonly string[]>
  /** Notes everybody's endpoint, and how the mappings of homes changed, and recovers lost sessions. Never throws. */
  readonly recoverSessions: () => Promise<void>
  /** Measures whether services that should see visitors' addresses answer them through the tunnel. Never throws. */
  readonly measureSources: () => Promise<void>
  /** Checks publications now and then until the signal ends it; does nothing where no daemon runs. Never throws. */
  readonly provePublications: (signal: AbortSignal) => Promise<void>
  /** What another network of the tunnel would change. @throws {Problem} as `moveNetwork`. */
  readonly previewNetwork: (network: string) => Promise<NetworkMove>
  /** Takes other settings; the machine follows with the next reconcile. @throws {Problem} as `moveNetwork`: nothing is taken. */
  readonly reconfigure: (config: HubConfig) => Promise<void>
  /** Notes why hub.yaml is not in force. @param waiting settings to try again by themselves; null: none. */
  readonly noteRefused: (why: string, waiting: HubConfig | null) => void
  readonly close: () => Promise<void>
}

export type DeviceRequest = DeviceInput
export type DeviceRotation = RotationInput
