import { expect } from 'vitest'
import type { Picture } from './picture.ts'
import { answerUdp, openUdpFlow, type UdpFlow } from './traffic/udp-flow.ts'

export const PORT = 4000
export const OTHER_PORT = 4001

/** Until the hub restarts. */
export async function answerFlows({ hub }: Picture): Promise<void> {
  await Promise.all([answerUdp(hub, PORT), answerUdp(hub, OTHER_PORT)])
}

/** A flow from the Pi that has been answered once. */
export async function liveFlow({ home, hubAddress }: Picture, port = PORT): Promise<UdpFlow> {
  const flow = await openUdpFlow(home.pi, hubAddress, port)
  expect(await flow.ask()).toBeDefined()
  return flow
}
