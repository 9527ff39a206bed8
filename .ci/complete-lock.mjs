// Fills package-lock.json up with the optional platform packages that the registry at hand did not have when the lock
// was written: a mirror may lack what its own platforms never install. Without their entries `npm ci` refuses the lock.
// They get no integrity, since nobody has seen them here; npm skips them on every platform but their own.
// Run it after each `npm install` that changed the lock: node .ci/complete-lock.mjs
import { readFile, writeFile } from 'node:fs/promises'

const path = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(await readFile(path, 'utf8'))

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']

for (const owner of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`
    if (lock.packages[key] !== undefined) continue
    const words = name.split(/[/-]/)
    const os = SYSTEMS.filter((system) => words.includes(system))
    const cpu = PROCESSORS.filter((processor) => words.includes(processor))
    // Without a platform of its own it would be fetched everywhere.
    if (os.length === 0 && cpu.length === 0) continue
    const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : os.includes('linux') ? ['glibc'] : []
    lock.packages[key] = {
      version,
      ...(libc.length > 0 ? { libc } : {}),
      cpu,
      dev: owner.dev,
      optional: true,
      ...(os.length > 0 ? { os } : {}),
    }
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
await writeFile(path, `${JSON.stringify(lock, null, 2)}\n`)
