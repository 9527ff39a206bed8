import type { RouterAddress } from './transport.ts'

/** One row of an answer: RouterOS properties as they came; a property without a value is absent. */
export type Row = Readonly<Record<string, string>>

export interface Sentence {
  /** E.g. `/interface/wireguard/print`. */
  readonly command: string
  /** Become `=name=value`; `.id` and `.proplist` too. */
  readonly attributes?: Readonly<Record<string, string>>
  /** E.g. `?name=x`. */
  readonly queries?: readonly string[]
}

export interface Reply {
  readonly rows: readonly Row[]
  /** What `!done` brought along, e.g. the id of what was added. */
  readonly ret: string | null
}

/** The two ends of a connection, literal addresses. */
export interface Ends {
  readonly local: string
  readonly remote: string
}

export interface Session {
  /**
   * One command and its answer. A command that took too long, or was called off, is cancelled; what it has done until
   * then stays done.
   * @param timeoutMs 10 s unless said otherwise.
   * @throws {Trap} what the router refused.
   * @throws {Problem} `router-unreachable` when the connection ended, `router-timeout`, `interrupted`.
   */
  readonly exec: (sentence: Sentence, signal: AbortSignal, timeoutMs?: number) => Promise<Reply>
  /** Why it ended; never rejects. */
  readonly ended: Promise<string>
  readonly isOpen: () => boolean
  readonly ends: Ends
  /** Destroys the socket; nothing stays pending. */
  readonly close: () => void
}

export interface RouterAccess extends RouterAddress {
  readonly user: string
  /** Read again for each connection; never kept. */
  readonly password: () => Promise<string>
}
