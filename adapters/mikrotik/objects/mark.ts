/**
 * The word with which the comment of everything homeward makes on a router begins. Comments are the one property that
 * every menu has in every version, that the router never changes, and that its owner sees.
 */
const WORD = 'homeward'

/** The mark of the interface, its peer and its address. */
export function markOf(interfaceName: string): string {
  return `${WORD} ${interfaceName}`
}

/** The mark of a rule or a route, of which there are several: the name is unique in its menu. */
export function namedMark(interfaceName: string, name: string): string {
  return `${markOf(interfaceName)} ${name}`
}

/** The name of a peer, for the list in WinBox; peers are found by key, never by this. */
export function peerNameOf(interfaceName: string): string {
  return `${WORD}-${interfaceName}`
}

export interface Mark {
  /** The tunnel interface that the object was made for. */
  readonly interface: string
  readonly name: string | null
}

/** Reads a mark. @returns null when the comment is somebody else's. */
export function parseMark(comment: string | undefined): Mark | null {
  const match = /^homeward ([a-z][a-z0-9_-]{0,14})(?: (\S.*))?$/.exec(comment ?? '')
  if (match?.[1] === undefined) return null
  return { interface: match[1], name: match[2] ?? null }
}
