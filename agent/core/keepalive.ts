/** Share of a mapping's lifetime: an answer may come late, and a timer of the carrier may be a little short. */
const SHARE_OF_LIFE = 0.75
/** The shortest interval that is set automatically, whatever was measured. */
const FLOOR_SECONDS = 8
/** The interval that wg(8) recommends behind NAT; longer only where bytes matter more than being reachable at once. */
const CEILING_SECONDS = 25

/**
 * The interface's PersistentKeepalive, in whole seconds; 0 is off.
 * @param configured never exceeded, and the only value that counts while the lifetime is unknown.
 * @param lifeSeconds the longest silence that a mapping of this line survived; null: not measured.
 */
export function keepaliveSeconds(configured: number, lifeSeconds: number | null, economy: boolean): number {
  if (lifeSeconds === null) return configured
  const kept = Math.floor(lifeSeconds * SHARE_OF_LIFE)
  const wanted = economy ? kept : Math.min(kept, CEILING_SECONDS)
  return Math.min(configured, Math.max(FLOOR_SECONDS, wanted))
}
