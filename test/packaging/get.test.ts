import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { packFolder } from '../../packaging/archive.ts'
import { writeGetScript } from '../../packaging/get-script.ts'
import { sign } from '../../packaging/signature.ts'
import { writeSums } from '../../packaging/sums.ts'
import { type CommandResult, tryCommand } from '../../system/process/run-command.ts'
import { makeKey } from './verifying.ts'

let folder: string
let place: string
let signers: string
let ours: Awaited<ReturnType<typeof makeKey>>
let server: Server
let address: string
let asked: string[]

/** A server of static files, as whoever hosts releases has it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-get-'))
  ours = await makeKey(folder, 'ours')
  signers = join(folder, 'allowed_signers')
  await writeFile(signers, `# Who may sign\n${ours.line}`)
  await mkdir(join(folder, 'packaging'))
  await writeFile(join(folder, 'packaging/get.sh'), await readFile('packaging/get.sh', 'utf8'))
  expect(await writeGetScript(folder, folder)).toBe(true)
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    readFile(join(place, request.url ?? '')).then(
      (file) => response.end(file),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true, force: true })
})

/** Releases whose install.sh says which one it is, and with which words it was called. */
beforeEach(async () => {
  asked = []
  place = await mkdtemp(join(folder, 'place-'))
  for (const name of ['homeward-1.2.3', 'homeward-1.2.3-linux-amd64', 'homeward-1.2.3-linux-arm64']) {
    await mkdir(join(place, name))
    await writeFile(join(place, name, 'install.sh'), `echo "${name}: $*"\n`)
    await packFolder(place, name, 1_767_323_045)
    await rm(join(place, name), { recursive: true })
  }
  await publish(ours.path)
})

async function publish(key: string, trusted = signers): Promise<void> {
  await writeSums(place)
  await sign(place, key, trusted)
}

/** As `curl … | sh -s -- WORDS` runs it, on a machine of that architecture. */
async function get(architecture: string, words: readonly string[] = [], script?: string): Promise<CommandResult> {
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  await writeFile(join(bin, 'dpkg'), `#!/bin/sh\necho ${architecture}\n`, { mode: 0o755 })
  const env = [`HOMEWARD_PLACE=${address}`, `PATH=${bin}:${process.env['PATH']}`]
  const input = script ?? (await readFile(join(folder, 'get.sh'), 'utf8'))
  return tryCommand('env', [...env, 'sh', '-s', '--', ...words], { input, timeoutMs: 50_000 })
}

const leftovers = async (): Promise<readonly string[]> =>
  (await readdir('/var/tmp')).filter((name) => name.startsWith('homeward-get.'))
let before: readonly string[]
beforeEach(async () => void (before = await leftovers()))
afterEach(async () => expect(await leftovers()).toEqual(before))

test.each([
  ['amd64', 'homeward-1.2.3-linux-amd64'],
  ['arm64', 'homeward-1.2.3-linux-arm64'],
  ['armhf', 'homeward-1.2.3'],
])('on %s it runs install.sh of %s with the words given', async (architecture, name) => {
  const { stdout, stderr, exitCode } = await get(architecture, ['hub', '--address', 'vps.example.org'])
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
  expect(stdout).toBe(
    `homeward: fetching ${name}.tar.gz from ${address.slice(0, -1)}\n${name}: hub --address vps.example.org\n`,
  )
})

test('asked what is offered it names the release for this machine, verified, and fetches nothing of it', async () => {
  expect((await get('arm64', ['offered'])).stdout).toBe('homeward-1.2.3-linux-arm64.tar.gz\n')
  expect(asked).toEqual(['/SHA256SUMS', '/SHA256SUMS.sig'])
  await writeFile(join(place, 'SHA256SUMS'), 'changed')
  expect(await get('arm64', ['offered'])).toMatchObject({ exitCode: 1, stdout: '' })
})

test('install.sh is told the line for the other machine, which has no folder of a release either', async () => {
  const name = 'homeward-1.2.3-linux-amd64'
  await mkdir(join(place, name))
  await writeFile(join(place, name, 'install.sh'), 'echo "$HOMEWARD_AGAIN home TOKEN"\n')
  await rm(join(place, `${name}.tar.gz`))
  await packFolder(place, name, 1_767_323_045)
  await rm(join(place, name), { recursive: true })
  await publish(ours.path)
  const named = address.slice(0, -1)
  expect((await get('amd64')).stdout).toContain(
    `\ncurl -fsSL ${named}/get.sh | HOMEWARD_PLACE=${named} sh -s -- home TOKEN\n`,
  )
  const script = (await readFile(join(folder, 'get.sh'), 'utf8')).replace("PLACE=''", `PLACE='${address}'`)
  expect((await get('amd64', [], script)).stdout).toContain(`\ncurl -fsSL ${named}/get.sh | sh -s -- home TOKEN\n`)
})

const refused = async (why: string): Promise<void> => {
  const { stdout, stderr, exitCode } = await get('amd64')
  expect(stderr).toContain(`get.sh: ${why}`)
  expect(stdout).not.toContain('homeward-1.2.3-linux-amd64: ')
  expect(exitCode).toBe(1)
}

test('what a stranger signed is not even fetched', async () => {
  const stranger = await makeKey(place, 'stranger')
  const theirs = join(place, 'theirs')
  await writeFile(theirs, stranger.line)
  await publish(stranger.path, theirs)
  await refused('what http')
  expect(asked).toEqual(['/SHA256SUMS', '/SHA256SUMS.sig'])
})

test('sums that were changed after they were signed are not believed', async () => {
  await appendFile(join(place, 'SHA256SUMS'), `${'0'.repeat(64)}  homeward-9.9.9-linux-amd64.tar.gz\n`)
  await refused('what http')
})

test('another tarball than the one that was signed is not unpacked', async () => {
  await appendFile(join(place, 'homeward-1.2.3-linux-amd64.tar.gz'), 'x')
  await refused('homeward-1.2.3-linux-amd64.tar.gz is not the file that was signed, and nothing was changed')
})

test('what cannot be fetched is named', async () => {
  await rm(join(place, 'homeward-1.2.3-linux-amd64.tar.gz'))
  await refused(`${address}homeward-1.2.3-linux-amd64.tar.gz could not be fetched, and nothing was changed`)
})

test('a copy that broke off does nothing', async () => {
  const script = await readFile(join(folder, 'get.sh'), 'utf8')
  const { stdout, exitCode } = await get('amd64', ['demo'], script.slice(0, script.lastIndexOf('main "$@"')))
  expect({ stdout, exitCode, asked }).toEqual({ stdout: '', exitCode: 0, asked: [] })
})

test('without root and without sudo nothing is even fetched', async () => {
  const script = await readFile(join(folder, 'get.sh'), 'utf8')
  // Somebody else's machine: neither root, nor a sudo on the PATH.
  const elsewhere = `id() { echo 1000; }\ncommand() { [ "$2" != sudo ] && builtin_command "$@"; }\nbuiltin_command() { type "$2"; }\n`
  const { stdout, stderr, exitCode } = await get('amd64', ['demo'], `${elsewhere}${script}`)
  expect(stderr).toBe(
    'get.sh: this needs root, there is no sudo here, and nothing was changed. Become root with su -, then run the same again.\n',
  )
  expect({ stdout, exitCode, asked }).toEqual({ stdout: '', exitCode: 1, asked: [] })
})

test('without a key there is no get.sh, since it could verify nothing', async () => {
  await mkdir(join(place, 'none'))
  await writeFile(join(place, 'allowed_signers'), '# Nobody yet\n')
  expect(await writeGetScript(place, join(place, 'none'))).toBe(false)
  expect(await readdir(join(place, 'none'))).toEqual([])
})
