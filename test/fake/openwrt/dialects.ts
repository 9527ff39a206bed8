/** What differs from one OpenWrt to the next, as far as the tools that are stood in for go. */
export interface Dialect {
  readonly version: string
  readonly revision: string
  readonly kernel: string
  readonly packageManager: 'opkg' | 'apk'
  /**
   * How netifd's program for the protocol works: `classic` deletes the device and makes it again, and knows no renew; `sync`
   * keeps the device and has a renew that applies peers (25.12).
   */
  readonly handler: 'classic' | 'sync'
  /** A failing ubus call ends with 256 minus the code where its errors are no terminal's, or with the code. */
  readonly ubusStatus: 'negative' | 'plain'
}

export const DIALECTS = {
  '23.05': {
    version: '23.05.5',
    revision: 'r24106-10cc5fcd00',
    kernel: '5.15.167',
    packageManager: 'opkg',
    handler: 'classic',
    ubusStatus: 'plain',
  },
  '24.10': {
    version: '24.10.4',
    revision: 'r28959-29397011cc',
    kernel: '6.6.110',
    packageManager: 'opkg',
    handler: 'classic',
    ubusStatus: 'negative',
  },
  '25.12': {
    version: '25.12.1',
    revision: 'r32768-b21cfa8f8c',
    kernel: '6.12.74',
    packageManager: 'apk',
    handler: 'sync',
    ubusStatus: 'negative',
  },
} as const satisfies Readonly<Record<string, Dialect>>

export type Release = keyof typeof DIALECTS
