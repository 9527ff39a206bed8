/** How homeward gets to another version, in whichever of its two forms somebody has it; for sentences in brackets or behind a colon. */
export const UPGRADE = './install.sh upgrade, or apt-get install where it is a package'
