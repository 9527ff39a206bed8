/**
 * The comment of everything homeward makes on a router begins with this word. Comments are the one property that every
 * menu has in every version, that the router never changes, and that its owner sees.
 */
const WORD = 'homeward'

/** Of the interface, its peer and its address. */
export function markOf(interfaceName: string): string {
  return `${WORD} ${interfaceName}`
}

/** Of rules and routes, of which there are several: the name is unique in its menu. */
export function namedMark(interfaceName: string, name: string): string {
  return `${markOf(interfaceName)} ${name}`
}

/** Of a peer, for the list in WinBox; found by key, never by this. */
export function peerNameOf(interfaceName: string): string {
  return `${WORD}-${interfaceName}`
}

export interface Mark {
  /** The tunnel interface that it was made for. */
  readonly interface: string
  readonly name: string | null
}

/** @returns null when the comment is somebody else's. */
export function parseMark(comment: string | undefined): Mark | null {
  const match = /^homeward ([a-z][a-z0-9_-]{0,14})(?: (\S.*))?$/.exec(comment ?? '')
  if (match?.[1] === undefined) return null
  return { interface: match[1], name: match[2] ?? null }
}
