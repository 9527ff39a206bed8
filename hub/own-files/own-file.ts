/** A file that the hub needs to be started again, as it was last found. */
export type OwnFileState =
  | { readonly kind: 'whole' }
  /** It was damaged, or open to others, and was written again from what the running hub has. */
  | { readonly kind: 'restored'; readonly was: 'damaged' | 'exposed' }
  /** Its folder cannot be written: what the running hub has is in the state folder, and counts at the next start. */
  | { readonly kind: 'copied'; readonly copy: string }
  | { readonly kind: 'exposed' }
  /** Somebody put another one in its place, which counts from the next start. */
  | { readonly kind: 'another' }
  | { readonly kind: 'lost'; readonly why: string }

export interface OwnFile {
  readonly path: string
  /** Whether it is a secret, or memory that changes. */
  readonly of: 'keys' | 'store'
  /** Compares it with what the running hub has, and writes it again where it is damaged. Never throws. */
  readonly check: (signal: AbortSignal) => Promise<OwnFileState>
}

/**
 * What is known of a file after another look. What was restored stays said until the hub is started again: a disk that
 * lost one file may lose others.
 */
export function afterLook(before: OwnFileState, found: OwnFileState): OwnFileState {
  return found.kind === 'whole' && before.kind === 'restored' ? before : found
}

/** Whether people are told at once: the hub may not start again, or is known to others. */
export function isTrouble({ kind }: OwnFileState): boolean {
  return kind === 'lost' || kind === 'exposed'
}

/** What status says of a file; null: nothing. */
export function ownFileWarning({ path, of }: Pick<OwnFile, 'path' | 'of'>, state: OwnFileState): string | null {
  switch (state.kind) {
    case 'whole':
      return null
    case 'restored':
      return state.was === 'damaged'
        ? `${path} was damaged, and was written again from what the running hub has: the disk of this machine may be failing`
        : `other users of this machine could read ${path}, and it was written again for its owner alone: anyone who read it has the secrets in it`
    case 'copied':
      return `${path} is damaged; what the running hub has is in ${state.copy}, which counts at the next start. Put it back: sudo cp -p ${state.copy} ${path}`
    case 'exposed':
      return `other users of this machine may read ${path}, and this hub does not start again so: sudo chmod 600 ${path}. Anyone who read it has the secrets in it`
    case 'another':
      return of === 'keys'
        ? `${path} holds another key than this hub runs with. It counts at the next start, and homes and devices know the present one: put that back from a backup, if nobody meant to change it`
        : `something else changed ${path} since this hub read it, and no change can be written: sudo systemctl restart homeward-hub takes it as it is`
    case 'lost':
      return `${path} is damaged, and could not be written again (${state.why}): ${LOST[of]}. Check whether the disk is full, read-only or failing; once it can be written, homeward puts it back within the hour`
    default:
      return state satisfies never
  }
}

const LOST = {
  keys: 'no home and no device knows this hub when it is started again',
  store: 'this hub cannot be started again',
} as const
