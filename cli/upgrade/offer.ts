import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { isThere } from '../../system/files/is-there.ts'
import { tryCommand } from '../../system/process/run-command.ts'
import { place } from '../place.ts'
import { version } from '../version.ts'
import { LIBRARY } from './installed.ts'

/** The version that could be had; null, and why none is known. */
export interface Offer {
  readonly offered: string | null
  readonly why: string
}

const FETCH_MS = 120_000

/**
 * What an upgrade would bring.
 * @param release a release on this machine: the tarball, the folder where it is unpacked, or a package; null: the newest there is.
 * @throws {Problem} `config-unreadable` for a release that is none.
 */
export async function offerOf(form: 'release' | 'package', release: string | null): Promise<Offer> {
  if (release !== null) return { offered: await versionOf(release), why: release }
  return form === 'package' ? await offeredByApt() : await offeredByPlace()
}

async function offeredByPlace(): Promise<Offer> {
  const where = process.env['HOMEWARD_PLACE'] ?? place
  if (where === '') return { offered: null, why: 'no releases are published yet' }
  const script = join(LIBRARY, 'get.sh')
  if (!(await isThere(script)))
    return { offered: null, why: `this version has no release key, by which it could verify what ${where} offers` }
  const { exitCode, stdout, stderr } = await tryCommand('env', [`HOMEWARD_PLACE=${where}`, 'sh', script, 'offered'], {
    timeoutMs: FETCH_MS,
  })
  const offered = exitCode === 0 ? nameOfRelease(stdout.trim()) : null
  return { offered, why: offered === null ? lastLine(stderr) : where }
}

async function offeredByApt(): Promise<Offer> {
  const { stdout } = await tryCommand('apt-cache', ['madison', 'homeward'], { timeoutMs: FETCH_MS })
  // `homeward | 0.2.0 | https://PLACE/apt stable/main amd64 Packages`, the newest first.
  const [, offered = '', from = ''] = /^\s*homeward \|\s*(\S+)\s*\|\s*(.*)$/m.exec(stdout) ?? []
  if (offered === '') return { offered: null, why: 'no apt repository of this machine has homeward' }
  return { offered: offered.replace('~', '-'), why: from.trim() }
}

/** The version of `homeward-0.2.0-linux-amd64.tar.gz`. */
function nameOfRelease(name: string): string | null {
  return /^homeward-(.*?)(?:-linux-\w+)?\.tar\.gz$/.exec(name)?.[1] ?? null
}

async function versionOf(release: string): Promise<string> {
  const what = `reading ${release}`
  try {
    if (release.endsWith('.deb')) return (await said('dpkg-deb', ['--field', release, 'Version'])).replace('~', '-')
    const text = (await stat(release)).isDirectory()
      ? await readFile(join(release, 'package.json'), 'utf8')
      : await said('tar', ['-xzOf', release, '--wildcards', '--no-wildcards-match-slash', 'homeward-*/package.json'])
    const { version: found } = JSON.parse(text) as { readonly version?: unknown }
    if (typeof found === 'string') return found
    throw new Error('its package.json names no version')
  } catch (thrown) {
    throw new Problem('config-unreadable', {
      what,
      why: thrown instanceof Problem ? thrown.why : reasonOf(thrown),
      next: `Name a release: homeward-VERSION-linux-ARCH.tar.gz, or the folder where it is unpacked; homeward ${version} goes on`,
      cause: thrown,
    })
  }
}

async function said(file: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await tryCommand(file, args, { timeoutMs: FETCH_MS })
  if (exitCode !== 0) throw new Error(lastLine(stderr))
  return stdout.trim()
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.replace(/\.$/, '') ?? ''
}
