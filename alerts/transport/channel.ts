import type { Message } from '../record/message.ts'

/** A way to people, or to what watches over us. A channel is a function that returns this. */
export interface Channel {
  /** Sends one message, once. @throws {Undelivered} and whatever its library throws; the courier tries again. */
  readonly send?: (message: Message, signal: AbortSignal) => Promise<void>
  /** Tells that we are alive, and how the homes are. */
  readonly snapshot?: (snapshot: Snapshot, signal: AbortSignal) => Promise<void>
  /** Time between two snapshots, while nothing changes. */
  readonly snapshotSeconds?: number
  readonly close?: () => Promise<void>
}

/** The state of all homes at one moment. */
export interface Snapshot {
  readonly end: 'home' | 'hub'
  readonly version: string
  readonly homes: readonly HomeSnapshot[]
}

export interface HomeSnapshot {
  readonly name: string
  /** null: the home's end has only just begun, and nobody can say yet. */
  readonly isUp: boolean | null
  /** up, healing, offline, awaited … */
  readonly state: string
  readonly cause: string | null
  readonly rttMs: number | null
  /** ISO 8601. */
  readonly handshakeAt: string | null
  readonly rxBytes: number
  readonly txBytes: number
  /** ADDRESS:PORT. */
  readonly mapping: string | null
}

/** A message did not get through. Never names a secret: the place is a host, not an address with a token in it. */
export class Undelivered extends Error {
  override readonly name = 'Undelivered'
  /** The wait that the other end asked for (429, 503). */
  readonly retryAfterMs: number | null

  constructor(why: string, options: { readonly retryAfterMs?: number | null; readonly cause?: unknown } = {}) {
    super(why, { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}
