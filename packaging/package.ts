/**
 * Makes a release of this checkout in release/ (docs/releasing.md).
 *
 *   npm run package                      a release that nobody signed
 *   npm run package -- --key FILE        signed; the path may stand in HOMEWARD_RELEASE_KEY too
 */
import { parseArgs } from 'node:util'
import { makeRelease } from './release.ts'

const { values } = parseArgs({ options: { key: { type: 'string' } } })
const key = values.key ?? (process.env['HOMEWARD_RELEASE_KEY'] || null)
try {
  // npm runs scripts in the folder of package.json.
  const { version, signed, files } = await makeRelease(process.cwd(), key)
  console.log(`homeward ${version}, ${signed ? 'signed' : 'not signed: there was no --key'}:`)
  for (const file of files) console.log(`  release/${file}`)
} catch (thrown) {
  console.error(`No release was made: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  process.exitCode = 1
}
