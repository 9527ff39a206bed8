import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { alertAdd } from '../../../cli/alert/alert-add.ts'
import { alertList } from '../../../cli/alert/alert-list.ts'
import { alertRemove } from '../../../cli/alert/alert-remove.ts'
import { newNtfyTopic, subscribeLink } from '../../../cli/alert/ntfy-topic.ts'
import { keepGiven } from '../../../alerts/settings/given-channels.ts'
import { readAlertSettings } from '../../../alerts/settings/read-settings.ts'
import { heardWhile } from '../heard.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  await writeFile(join(folder, 'agent.yaml'), '')
})
afterEach(() => rm(folder, { recursive: true }))

const contextOf = (json = false) => ({ configDir: folder, stateDir: folder, runtimeDir: folder, json, yes: false })
const file = () => join(folder, 'alerts.yaml')
const channels = async () => (await readAlertSettings(folder)).channels

test('a topic that nobody guesses is made, written down, and shown as a code to scan', async () => {
  const { text, problem } = await heardWhile(() => alertAdd(contextOf(), 'phone', { ntfy: true }))
  expect(problem).toBeNull()
  const { phone } = await channels()
  expect(phone).toMatchObject({ kind: 'ntfy', server: 'https://ntfy.sh' })
  const [, topic] = /topic (homeward-[a-z2-9]{16})\./.exec(text) ?? []
  expect(phone).toMatchObject({ topic })
  // Half blocks, by which two rows of a code are one line.
  expect(text).toMatch(/[▀▄█]{20}/)
  expect((await stat(file())).mode & 0o777).toBe(0o600)
})

test('on a server of one’s own too, with the link that the app takes', async () => {
  const { text } = await heardWhile(() => alertAdd(contextOf(true), 'ntfy', { ntfy: 'http://192.168.1.5:8080' }))
  const { topic, link } = JSON.parse(text) as { topic: string; link: string }
  expect(link).toBe(`ntfy://192.168.1.5:8080/${topic}?display=homeward&secure=false`)
  expect(await channels()).toMatchObject({ ntfy: { kind: 'ntfy', server: 'http://192.168.1.5:8080', topic } })
  expect(subscribeLink('https://ntfy.sh', 't', 'a b')).toBe('ntfy://ntfy.sh/t?display=a%20b')
  const { problem } = await heardWhile(() => alertAdd(contextOf(), 'other', { ntfy: 'ftp://x' }))
  expect(problem).toMatchObject({ code: 'wrong-usage' })
})

test('no two topics are the same', () => {
  expect(new Set(Array.from({ length: 1_000 }, newNtfyTopic)).size).toBe(1_000)
})

test('a name that is none is refused before anything is written', async () => {
  const { problem } = await heardWhile(() => alertAdd(contextOf(), 'My Phone', { ntfy: true }))
  expect(problem).toMatchObject({ code: 'channel-invalid' })
  await expect(stat(file())).rejects.toThrow()
})

test('channels are listed without their secrets', async () => {
  const yaml = `channels:
  phone: ntfys://ntfy.sh/hunter2-topic
  house: mqtt://me:hunter2@192.168.1.5:1883
  letters: { kind: mail, host: smtp.example.org, from: a@example.org, to: b@example.org, password: hunter2, takes: [outages] }
`
  await writeFile(file(), yaml, { mode: 0o600 })
  const { text } = await heardWhile(() => alertList(contextOf()))
  expect(text).not.toContain('hunter2')
  expect(text).toContain('homeward does not run here')
  expect(text).toMatch(/^phone +ntfy +ntfy\.sh +this machine +everything +not used yet$/m)
  expect(text).toMatch(/^letters +mail +smtp\.example\.org +this machine +outages /m)
  const json = JSON.parse((await heardWhile(() => alertList(contextOf(true)))).text) as unknown
  expect(json).toMatchObject({ running: false, channels: [{ name: 'phone' }, { host: '192.168.1.5:1883' }, {}] })
})

test('a channel is removed and nothing else of the file, and one that is not there is said', async () => {
  const yaml = `# mine
channels:
  phone: ntfys://ntfy.sh/one # old
  other: ntfys://ntfy.sh/two # kept
summary: 0 8 * * 1
`
  await writeFile(file(), yaml, { mode: 0o600 })
  await heardWhile(() => alertRemove(contextOf(), 'phone'))
  expect(await readFile(file(), 'utf8')).toBe(`# mine
channels:
  other: ntfys://ntfy.sh/two # kept
summary: 0 8 * * 1
`)
  const { problem } = await heardWhile(() => alertRemove(contextOf(), 'phone'))
  expect(problem).toMatchObject({ code: 'channel-missing' })
  expect(problem?.message).toContain('homeward alert list')
  await heardWhile(() => alertRemove(contextOf(), 'other'))
  expect(await channels()).toEqual({})
})

test('only the hub gives a channel to both ends, and it says which cannot be given', async () => {
  const atHome = await heardWhile(() => alertAdd(contextOf(), 'phone', { everywhere: true, ntfy: true }))
  expect(atHome.problem).toMatchObject({ code: 'wrong-usage' })
  expect(atHome.problem?.message).toContain('on the hub, which gives the channel to this home')
  await expect(stat(file())).rejects.toThrow()

  await rm(join(folder, 'agent.yaml'))
  await writeFile(join(folder, 'hub.yaml'), '')
  await writeFile(file(), '# mine\nchannels:\n  other: ntfys://ntfy.sh/two # kept\n', { mode: 0o600 })
  const plain = await heardWhile(() =>
    alertAdd(contextOf(), 'phone', { everywhere: true, ntfy: 'http://192.168.1.5:8080' }),
  )
  expect(plain.problem?.message).toContain('homes send what the hub gives them over HTTPS only')
  const { text, problem } = await heardWhile(() => alertAdd(contextOf(), 'phone', { everywhere: true, ntfy: true }))
  expect(problem).toBeNull()
  expect(text).toContain('This hub’s homes use it too')
  expect(text).not.toContain('For the other end')
  expect((await readAlertSettings(folder)).everywhere).toEqual(['phone'])
  expect(await readFile(file(), 'utf8')).toContain('two # kept')
  await heardWhile(() => alertRemove(contextOf(), 'phone'))
  expect(await readFile(file(), 'utf8')).toBe('# mine\nchannels:\n  other: ntfys://ntfy.sh/two # kept\n')
})

test('what the hub gives is listed at home, and removed at the hub', async () => {
  await keepGiven(folder, [{ name: 'phone', settings: { kind: 'ntfy', server: 'https://ntfy.sh', topic: 'hunter2' } }])
  const { text } = await heardWhile(() => alertList(contextOf()))
  expect(text).toMatch(/^hub\/phone +ntfy +ntfy\.sh +this home, by its hub /m)
  const { problem } = await heardWhile(() => alertRemove(contextOf(), 'hub/phone'))
  expect(problem?.message).toContain('Remove it there: sudo homeward alert remove phone')
})
