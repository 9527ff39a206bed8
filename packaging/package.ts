/**
 * Makes a release of this checkout in release/ (docs/releasing.md).
 *
 *   npm run package                      a release that nobody signed
 *   npm run package -- --key FILE        signed; the path may stand in HOMEWARD_RELEASE_KEY too
 *   npm run package -- --only amd64      of those with a Node of their own this one alone; none: none
 */
import { parseArgs } from 'node:util'
import { ARCHITECTURES, type Architecture } from './own-node.ts'
import { makeRelease } from './release.ts'

const { values } = parseArgs({ options: { key: { type: 'string' }, only: { type: 'string' } } })
const key = values.key ?? (process.env['HOMEWARD_RELEASE_KEY'] || null)
try {
  // npm runs scripts in the folder of package.json.
  const { version, signed, files } = await makeRelease(process.cwd(), key, wanted(values.only))
  console.log(`homeward ${version}, ${signed ? 'signed' : 'not signed: there was no --key'}:`)
  for (const file of files) console.log(`  release/${file}`)
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
