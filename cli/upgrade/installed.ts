/** In which way homeward is on this machine, which says how it gets to another version. */
export type Installed = 'release' | 'package' | 'image' | 'folder'

/** Where install.sh puts it, with a copy of itself. */
export const LIBRARY = '/usr/local/lib/homeward'
/** What dpkg notes of a package that is installed (dpkg-query(1), --listfiles). */
const PACKAGED = '/var/lib/dpkg/info/homeward.list'
/** The entry point of the image (packaging/image). */
const ENTRY = '/usr/bin/entry'

/**
 * @param program the file that runs: the bundle.
 * @param isThere whether a path is there.
 */
export async function installedAs(program: string, isThere: (path: string) => Promise<boolean>): Promise<Installed> {
  if (program.startsWith(`${LIBRARY}/`)) return 'release'
  // /usr/lib/homeward.before has the version before, while it runs in the place of one that did not stay.
  if (/^\/usr\/lib\/homeward(?:\.before)?\//.test(program) && (await isThere(PACKAGED))) return 'package'
  // A container may run the program that it kept in its volume.
  return (await isThere(ENTRY)) ? 'image' : 'folder'
}
