/**
 * Makes a release of this checkout in release/ (docs/releasing.md).
 *
 *   npm run package                      a release that nobody signed
 *   npm run package -- --key FILE        signed; the path may stand in HOMEWARD_RELEASE_KEY too
 *   npm run package -- --apt-key ID      and an apt repository in release/apt, signed by that key of gpg's
 *   npm run package -- --image           and images of containers, as root, with buildah and mmdebstrap (docs/containers.md)
 *   npm run package -- --fast            Debian's packages are not compressed: to try them
 *   npm run package -- --only amd64      of those with a Node of their own this one alone; none: none
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { makeRepository } from './deb/repository.ts'
import { ARCHITECTURES, type Architecture } from './node/own-node.ts'
import { makeRelease } from './release.ts'
import { requireReleased } from './released.ts'

const { values } = parseArgs({
  options: {
    key: { type: 'string' },
    'apt-key': { type: 'string' },
    only: { type: 'string' },
    fast: { type: 'boolean', default: false },
    image: { type: 'boolean', default: false },
  },
})
const key = values.key ?? (process.env['HOMEWARD_RELEASE_KEY'] || null)
try {
  if (values['apt-key'] !== undefined) await requireReleased(process.cwd())
  // npm runs scripts in the folder of package.json.
  const { version, signed, committedAt, files } = await makeRelease(process.cwd(), key, wanted(values.only), {
    compression: values.fast ? 'none' : 'xz',
    images: values.image,
  })
  console.log(`homeward ${version}, ${signed ? 'signed' : 'not signed: there was no --key'}:`)
  for (const file of files) console.log(`  release/${file}`)
  if (values['apt-key'] !== undefined) {
    await makeRepository(join(process.cwd(), 'release'), values['apt-key'], committedAt)
    console.log('  release/apt')
  }
} catch (thrown) {
  console.error(`No release was made: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  process.exitCode = 1
}

function wanted(only: string | undefined): readonly Architecture[] {
  const all = Object.keys(ARCHITECTURES) as Architecture[]
  if (only === undefined) return all
  const found = all.filter((one) => one === only)
  if (found.length === 0 && only !== 'none') throw new Error(`--only takes ${all.join(', ')} or none, not ${only}`)
  return found
}
