import { readFile, stat } from 'node:fs/promises'

/** A user, and the group that it has by itself. */
export interface SocketOwner {
  readonly uid: number
  readonly gid: number
}

/** Where wireguard-go makes its sockets; an installation gives it to the group of the service's user. */
const FOLDER = '/run/wireguard'
const GROUP_WRITES = 0o020

/**
 * Whose a wireguard-go has to be that root starts, so that the service's user can go on with it: that of the group which
 * may make sockets there. null: nobody but root, or this is not root.
 */
export async function socketOwner(folder = FOLDER, users = '/etc/passwd'): Promise<SocketOwner | null> {
  if (process.geteuid?.() !== 0) return null
  try {
    const { gid, mode } = await stat(folder)
    if (gid === 0 || (mode & GROUP_WRITES) === 0) return null
    // passwd(5): name, password, uid, gid.
    const rows = (await readFile(users, 'utf8')).split('\n').map((line) => line.split(':'))
    const row = rows.find(([, , , own]) => own === String(gid))
    const uid = Number(row?.[2] ?? 0)
    return uid === 0 ? null : { uid, gid }
  } catch {
    return null
  }
}
