import { makeFolder } from '../../system/files/atomic-file.ts'
import { type EventLog, openEventLog } from './event-log.ts'
import { type UplinkMemory, openUplinkMemory } from './uplink-memory.ts'

/** The memory of a tunnel: what happened to it, and what its line and its hub have taught. */
export interface TunnelMemory {
  readonly events: EventLog
  readonly uplink: UplinkMemory
}

/**
 * The memory of the tunnel with this state folder. In the home's own folder it is the home's; in another one it has the
 * tunnel's events and what its hub has taught, while what the line has taught stays shared by all tunnels.
 * @throws {Problem} `write-failed` when the folder cannot be made.
 */
export async function openTunnelMemory(
  home: TunnelMemory & { readonly stateDir: string },
  stateDir: string,
): Promise<TunnelMemory> {
  if (stateDir === home.stateDir) return home
  await makeFolder(stateDir)
  return { events: await openEventLog(stateDir), uplink: sharedUplink(home.uplink, await openUplinkMemory(stateDir)) }
}

/** The memory of one line, and of what one of the hubs behind it has taught. */
function sharedUplink(uplink: UplinkMemory, hub: UplinkMemory): UplinkMemory {
  return {
    get current() {
      const { helped, visitors, outgoing, failbackFailures, provenHub } = hub.current
      return { ...uplink.current, helped, visitors, outgoing, failbackFailures, provenHub }
    },
    change: async ({ helped, visitors, outgoing, failbackFailures, provenHub, ...ofUplink }) => {
      const ofHub = {
        ...(helped === undefined ? {} : { helped }),
        ...(visitors === undefined ? {} : { visitors }),
        ...(outgoing === undefined ? {} : { outgoing }),
        ...(failbackFailures === undefined ? {} : { failbackFailures }),
        ...(provenHub === undefined ? {} : { provenHub }),
      }
      const lost = await Promise.all([uplink.change(ofUplink), hub.change(ofHub)])
      return lost.find((why) => why !== null) ?? null
    },
  }
}
