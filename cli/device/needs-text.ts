/** Says what to do about a device whose file is too old. */
export function needsText(
  name: string,
  { address, allowedIps }: { readonly address: string; readonly allowedIps: readonly string[] },
): string {
  return `${name} needs a new file: remove and add it again (homeward device remove ${name}, homeward device add ${name}), or change in the one it has: Address = ${address}/32, AllowedIPs = ${allowedIps.join(', ')}`
}
