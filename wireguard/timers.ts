/**
 * WireGuard's own timers, under the names the specification gives them.
 *
 * Source: J. Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel" (NDSS 2017), section 6,
 * and `enum limits` in the kernel's drivers/net/wireguard/messages.h.
 * All values are milliseconds unless the name says otherwise. The list is whole, though not all of it is used yet.
 */

/** The age of a key at which the initiator of a session starts a new handshake when it sends. */
export const REKEY_AFTER_TIME = 120_000

/** The age of a key from which it neither encrypts nor decrypts. */
export const REJECT_AFTER_TIME = 180_000

/** How long until an unanswered initiation is sent again, plus up to REKEY_TIMEOUT_JITTER. */
export const REKEY_TIMEOUT = 5_000

/** The jitter of each retry: the kernel adds 0 to HZ/3. */
export const REKEY_TIMEOUT_JITTER = 334

/**
 * How long a burst of initiations lasts without an answer (the kernel sends 20 of them).
 * @public
 */
export const REKEY_ATTEMPT_TIME = 90_000

/**
 * How long until an empty packet goes out, when data was received and there is nothing to send back.
 * @public
 */
export const KEEPALIVE_TIMEOUT = 10_000

/** The keepalive that wg(8) recommends behind NAT, in seconds. */
export const PERSISTENT_KEEPALIVE_SECONDS = 25

/**
 * The payload of a WireGuard data packet is padded to a multiple of this many bytes.
 * @public
 */
export const PADDING_BYTES = 16

/** The interface MTU that fits 1500-byte links over IPv4 and IPv6: 1500 - 80 (kernel default). */
export const DEFAULT_MTU = 1420
