// Completes package-lock.json: every entry has its integrity, so that nothing is installed which nobody has seen, and none
// names the registry of one machine. npm itself leaves entries of other platforms half done when the lock was written beside
// a node_modules, or by a registry that lacked them; here it resolves them again in an empty folder.
//
//   node .ci/complete-lock.mjs                 after each `npm install` that changed the lock
//   node .ci/complete-lock.mjs --check [LOCK]  only looks; ends with 1 when something is left to do
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values, positionals } = parseArgs({ options: { check: { type: 'boolean' } }, allowPositionals: true })
const path = positionals[0] ?? join(root, 'package-lock.json')
const lock = JSON.parse(readFileSync(path, 'utf8'))
const completed = values.check === true ? lock : complete(lock)
const faults = faultsOf(completed)
for (const fault of faults) console.error(`package-lock.json: ${fault}`)
if (faults.length > 0) {
  console.error(
    values.check === true
      ? 'Run node .ci/complete-lock.mjs'
      : 'The registry at hand lacks them: run this again where one has them. Nothing was changed.',
  )
  process.exitCode = 1
} else if (values.check !== true) writeFileSync(path, `${JSON.stringify(completed, null, 2)}\n`)

/** What is wrong with the entries, a line each. */
function faultsOf({ packages }) {
  return Object.entries(packages).flatMap(([place, { version, integrity, resolved, optionalDependencies, link }]) => {
    const missing = Object.keys(optionalDependencies ?? {})
      .filter((name) => !holders(place).some((holder) => `${holder}node_modules/${name}` in packages))
      .map((name) => `${name}, an optional dependency of ${place}, has no entry: npm ci refuses the lock`)
    if (place === '') return missing
    return [
      ...missing,
      ...(/^sha512-[\w+/]{86}==$/.test(integrity ?? '') ? [] : [`${place} ${version} has no sha512 integrity`]),
      ...(resolved === undefined && link !== true ? [] : [`${place} names where it was fetched: ${resolved}`]),
    ]
  })
}

/** The places where Node looks for what a package requires, the nearest first (nodejs.org/api/modules.html). */
function holders(place) {
  const parts = place === '' ? [] : place.split(/(?<=.)\/?(?=node_modules\/)/)
  return [...parts.map((_, index) => `${parts.slice(0, parts.length - index).join('/')}/`), '']
}

function complete({ packages, ...rest }) {
  const whole = Object.entries(packages).filter(([place, { integrity }]) => place === '' || integrity !== undefined)
  const folder = mkdtempSync(join(tmpdir(), 'homeward-lock-'))
  try {
    for (const file of ['package.json', '.npmrc']) copyFileSync(join(root, file), join(folder, file))
    const fresh = join(folder, 'package-lock.json')
    writeFileSync(fresh, JSON.stringify({ ...rest, packages: Object.fromEntries(whole) }))
    execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-progress'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 600_000,
    })
    const made = JSON.parse(readFileSync(fresh, 'utf8'))
    for (const entry of Object.values(made.packages)) delete entry.resolved
    return made
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
