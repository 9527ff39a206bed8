import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readCheckout } from './checkout.ts'
import { versionOf } from './version.ts'

/**
 * apt takes whatever version is the highest: one that names its commit is above the release that comes of it, and is never left.
 * @throws where a checkout is not the tagged version, or has changes that are in no commit.
 */
export async function requireReleased(root: string): Promise<void> {
  const { version: written } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const checkout = await readCheckout(root)
  if (versionOf(written, checkout) === written) return
  throw new Error(
    checkout.dirty
      ? 'there are changes that are in no commit: nobody could build again what an apt repository offers. Commit them first'
      : `this commit is no release, and an apt repository offers nothing else. Tag it first: git tag v${written}`,
  )
}
