/** How the owner ends that two machines are one home. @param home its name; in capitals where it is not known. */
export function howToEndSharing(home = 'HOME'): string {
  return `on the hub: sudo homeward hub revoke-other ${home}; then on the machine that stays: sudo homeward join --again TOKEN`
}
