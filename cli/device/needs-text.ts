/** Says what to do about a device whose file is too old. */
export function needsText(
  name: string,
  { address, allowedIps }: { readonly address: string; readonly allowedIps: readonly string[] },
): string {
  return `${name} needs a new file: give it a new one (homeward device rotate ${name}), or change in the one it has: Address = ${address}/32, AllowedIPs = ${allowedIps.join(', ')}`
}
