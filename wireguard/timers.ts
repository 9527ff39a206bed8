/**
 * WireGuard's own timers, under the names the specification gives them.
 *
 * Source: J. Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel" (NDSS 2017), section 6,
 * and `enum limits` in the kernel's drivers/net/wireguard/messages.h.
 * All values are milliseconds unless the name says otherwise. The list is whole, though not all of it is used yet.
 */

/** The initiator of a session starts a new handshake when it sends with a key of this age. */
export const REKEY_AFTER_TIME = 120_000

/** A key of this age neither encrypts nor decrypts. */
export const REJECT_AFTER_TIME = 180_000

/**
 * An unanswered initiation is sent again after this long, plus up to REKEY_TIMEOUT_JITTER.
 * @public
 */
export const REKEY_TIMEOUT = 5_000

/**
 * The kernel adds 0 to HZ/3 to each retry.
 * @public
 */
export const REKEY_TIMEOUT_JITTER = 334

/**
 * After this long without an answer a burst of initiations ends (the kernel sends 20 of them).
 * @public
 */
export const REKEY_ATTEMPT_TIME = 90_000

/**
 * Data received and nothing to send back: an empty packet goes out after this long.
 * @public
 */
export const KEEPALIVE_TIMEOUT = 10_000

/** What wg(8) recommends behind NAT, in seconds. */
export const PERSISTENT_KEEPALIVE_SECONDS = 25

/**
 * Payload of a WireGuard data packet is padded to a multiple of this many bytes.
 * @public
 */
export const PADDING_BYTES = 16

/** The interface MTU that fits 1500-byte links over IPv4 and IPv6: 1500 - 80 (kernel default). */
export const DEFAULT_MTU = 1420
