import { Problem } from '../../problems/problem.ts'
import type { Installed } from './installed.ts'
import type { Offer } from './offer.ts'

export const WHAT = 'upgrading homeward'

/** @throws {Problem} `upgrade-elsewhere`. */
export function refuseElsewhere(form: Installed, program: string): asserts form is 'release' | 'package' {
  switch (form) {
    case 'release':
    case 'package':
      return
    case 'image':
      throw new Problem('upgrade-elsewhere', {
        what: WHAT,
        why: 'this is a container, which runs the image that it was given',
        next: 'On the host load the newer image and start the container from it (docs/containers.md, “Upgrade”); with Home Assistant: Settings, Apps, homeward, Update',
      })
    case 'folder':
      throw new Problem('upgrade-elsewhere', {
        what: WHAT,
        why: `this runs from the folder of ${program}, which nobody installed`,
        next: 'Bring that folder up to date (git pull && npm ci && npm run build), or install from it: ./install.sh hub or home',
      })
    default:
      return form satisfies never
  }
}

/** @throws {Problem} `wrong-usage` for a release of the other kind. */
export function refuseOther(form: 'release' | 'package', release: string | null): void {
  if (release === null || release.endsWith('.deb') === (form === 'package')) return
  throw new Problem('wrong-usage', {
    what: WHAT,
    why:
      form === 'package'
        ? `${release} is no package, and homeward is installed here as a package`
        : `${release} is a package, and homeward is installed here by install.sh`,
    next:
      form === 'package'
        ? 'Give it the package: homeward upgrade ./homeward_VERSION_ARCH.deb'
        : 'Give it the release for this machine, as it is or unpacked: homeward upgrade homeward-VERSION-linux-ARCH.tar.gz',
  })
}

/** @throws {Problem} `nothing-offered`. */
export function refuseNone({ offered, why }: Offer): Offer & { readonly offered: string } {
  if (offered !== null) return { offered, why }
  throw new Problem('nothing-offered', { what: 'looking for a newer homeward', why })
}
