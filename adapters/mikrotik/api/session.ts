import type { RouterAddress } from './transport.ts'

/** One row of an answer: RouterOS properties as they came; a property without a value is absent. */
export type Row = Readonly<Record<string, string>>

export interface Sentence {
  /** A command, e.g. `/interface/wireguard/print`. */
  readonly command: string
  /** Attributes, sent as `=name=value`; also `.id` and `.proplist`. */
  readonly attributes?: Readonly<Record<string, string>>
  /** Queries, e.g. `?name=x`. */
  readonly queries?: readonly string[]
}

export interface Reply {
  readonly rows: readonly Row[]
  /** The value that `!done` returned, e.g. the id of an added row. */
  readonly ret: string | null
}

/** The two ends of a connection, literal addresses. */
export interface Ends {
  readonly local: string
  readonly remote: string
}

export interface Session {
  /**
   * Executes one command and returns its answer. A command that took too long, or was called off, is cancelled; what it
   * has done until then stays done.
   * @param timeoutMs default: 10 s.
   * @throws {Trap} what the router refused.
   * @throws {Problem} `router-unreachable` when the connection ended, `router-timeout`, `interrupted`.
   */
  readonly exec: (sentence: Sentence, signal: AbortSignal, timeoutMs?: number) => Promise<Reply>
  /**
   * Sends a command that has no end of its own, such as `/ip/route/listen`, and hands over its rows as they come. Ends
   * with the signal, which cancels it on the router too; with the session; and when the router ends or refuses it.
   * Never rejects.
   */
  readonly stream: (sentence: Sentence, onRow: (row: Row) => void, signal: AbortSignal) => Promise<StreamEnd>
  /** Resolves with the reason when the session ends; never rejects. */
  readonly ended: Promise<string>
  readonly isOpen: () => boolean
  readonly ends: Ends
  /** Destroys the socket; nothing stays pending. */
  readonly close: () => void
}

/** @param why for `refused` the router's own words. */
export interface StreamEnd {
  readonly kind: 'cancelled' | 'refused' | 'ended'
  readonly why: string
}

export interface RouterAccess extends RouterAddress {
  readonly user: string
  /** Reads the password, for each connection again; it is never kept. */
  readonly password: () => Promise<string>
}
