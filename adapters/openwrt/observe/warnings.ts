import type { Uplink } from './observation.ts'
import { type Section, text } from '../uci/sections.ts'

/** Settings that hinder the tunnel, for their owner to change: a sentence each. Pure. */

interface Around {
  /** Seconds since 1970, by the router's clock and by ours. */
  readonly routerNow: number
  readonly nowSeconds: number
  readonly sections: readonly Section[]
  readonly uplink: Uplink | null
}

/** How far the router's clock may be off: beyond this its TLS and its handshakes go wrong, and people should know. */
const CLOCK_OFF_SECONDS = 60

const NO_UPLINK = 'the router has no default route: its own line is down, or its address has not come yet'

export function warningsOf(around: Around): readonly string[] {
  return [
    ...clockWarning(around),
    ...flowOffloadWarning(around.sections),
    ...(around.uplink === null ? [NO_UPLINK] : []),
  ]
}

function clockWarning({ routerNow, nowSeconds }: Pick<Around, 'routerNow' | 'nowSeconds'>): readonly string[] {
  const off = routerNow - nowSeconds
  if (Math.abs(off) <= CLOCK_OFF_SECONDS) return []
  return [
    `the router’s clock is ${Math.abs(Math.round(off))} s ${off < 0 ? 'behind' : 'ahead of'} this machine’s: check NTP on both (a hub takes no handshake that is older than the last)`,
  ]
}

/** Hardware flow offloading was seen to lose the flow's entry: openwrt#17915. */
function flowOffloadWarning(sections: readonly Section[]): readonly string[] {
  const isOn = sections.some(
    ({ config, type, options }) =>
      config === 'firewall' && type === 'defaults' && text(options, 'flow_offloading_hw') === '1',
  )
  return isOn
    ? ['hardware flow offloading is on, which can lose the tunnel’s flow: if it stalls, turn flow_offloading_hw off']
    : []
}
