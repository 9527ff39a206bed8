/**
 * Which files of the folders of settings and of state belong into a backup: all of them, so that a file of a later
 * version is not forgotten, but for these.
 */
const LEFT_OUT: Readonly<Record<'config' | 'state', readonly string[]>> = {
  // Of what is under way: a join, a leave.
  config: ['joining-again', 'agent.yaml.leaving', 'router.undone'],
  state: [
    // What this line and this machine taught, and is learned anew where the backup is put back.
    'hub-addresses.json',
    'last-way.json',
    'line.json',
    'clock.json',
    'ssh-ports.json',
    'kept-ports.json',
    'proofs.json',
    // Messages that wait to be sent: by then they are old news.
    'outbox.json',
    // How to take back a change of a router that was under way: another one by then.
    'router-undo.json',
    'router-undo.unusable.json',
    // The settings before those: of a slip that was put right since.
    'agent.last-good.yaml',
    'hub.last-good.yaml',
    'alerts.last-good.yaml',
    // Earlier stores: they are of this disk. What is in the present one counts.
    'store.1.json',
    'store.2.json',
    'store.before-restore.json',
    'store.version',
    'store-days',
  ],
}

/** Half-written files (system/files/atomic-file.ts). */
const TORN = /^\..+\.[0-9a-f]{12}$/

/** What a restore has laid aside, and what one that was cut off has left (put-back.ts). */
const OF_A_RESTORE = /^(?:before-restore-.*|\.restoring)$/

/** @param path relative to the folder, by /; a tunnel's own folder has the same names in it. */
export function belongsIn(folder: 'config' | 'state', path: string): boolean {
  return path
    .split('/')
    .every((name) => !TORN.test(name) && !OF_A_RESTORE.test(name) && !LEFT_OUT[folder].includes(name))
}
