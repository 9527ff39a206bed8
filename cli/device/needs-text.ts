/** Says what to do about a device whose file is too old. */
export function needsText(
  name: string,
  {
    address,
    allowedIps,
    hubPublicKey,
  }: { readonly address: string; readonly allowedIps: readonly string[]; readonly hubPublicKey: string | null },
): string {
  const key = hubPublicKey === null ? '' : `PublicKey = ${hubPublicKey}, `
  return `${name} needs a new file: give it a new one (homeward device rotate ${name}), or change in the one it has: ${key}Address = ${address}/32, AllowedIPs = ${allowedIps.join(', ')}`
}
