/** A package of the npm registry, and its one file that is taken. */
export interface Pin {
  readonly name: string
  readonly version: string
  /** `sha512-` and the sum in base64 (Subresource Integrity, w3.org/TR/SRI). */
  readonly integrity: string
}

/** Where they stand, in a checkout and in a release: install.sh reads them too. */
export const PINS = 'packaging/node/pinned-packages'

/** @throws where that package is not pinned, or not as a whole. */
export function pinOf(pins: string, name: string): Pin {
  const [pin] = pinsOf(pins, name)
  if (pin === undefined) throw notPinned(name)
  return pin
}

/** All versions of a package that are pinned. @throws where a line is not whole. */
export function pinsOf(pins: string, name: string): readonly Pin[] {
  const lines = pins.split('\n').filter((one) => one.startsWith(`${name} `))
  return lines.map((line) => {
    const [, version, integrity] = /^\S+ (\d+\.\d+\.\d+) (sha512-[\w+/]{86}==)$/.exec(line) ?? []
    if (version === undefined || integrity === undefined) throw notPinned(name)
    return { name, version, integrity }
  })
}

const notPinned = (name: string): Error =>
  new Error(`what is pinned has no line for ${name} with its version and its sha512`)
