import type { Session } from '../api/session.ts'

/**
 * Safe mode of RouterOS from 7.18 on (`/safe-mode`): it notes every change of the session that holds it, and undoes all
 * of them when that session ends in any way before it was released.
 */

/** @throws {Trap} when another session holds it. */
export async function takeSafeMode(session: Session, signal: AbortSignal): Promise<void> {
  await session.exec({ command: '/safe-mode/take' }, signal)
}

/** Ends safe mode and keeps the changes. */
export async function releaseSafeMode(session: Session, signal: AbortSignal): Promise<void> {
  await session.exec({ command: '/safe-mode/release' }, signal)
}

/** Ends safe mode and undoes the changes now. */
export async function unrollSafeMode(session: Session, signal: AbortSignal): Promise<void> {
  await session.exec({ command: '/safe-mode/unroll' }, signal)
}
