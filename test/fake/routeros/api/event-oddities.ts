/** Oddities of what a router tells of its changes. */
export interface EventOddities {
  /** `yes` in the manual, `true` of routers that were asked (tikoci/centrs). */
  dead: 'yes' | 'true'
  /** Each so many events one is lost; 0: none. */
  losesEach: number
  isDoubled: boolean
  /** Events come so much later, and what was told meanwhile in any order. */
  lateMs: number
  /** Menus, by path, without a `listen`. */
  lacking: RegExp | null
}

export const NO_ODDITIES: EventOddities = { dead: 'true', losesEach: 0, isDoubled: false, lateMs: 0, lacking: null }
