import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../../system/process/run-command.ts'
import type { Picture } from '../lab/picture.ts'
import { isLong } from '../long.ts'
import { sumUp } from './release.ts'
import type { ScratchMachine } from './scratch-machine.ts'
import { RELEASE } from './vps-and-pi.ts'

export type Service = 'homeward' | 'homeward-hub'

/** What is wrong with a release. */
export interface Fault {
  /** JavaScript that is carried out before anything of its program. */
  readonly before?: string
  /** A name of a setting, and what this version calls it: it does not take the settings that are there. */
  readonly renamed?: readonly [string, string]
  /** Lines of shell that are put before the first line of install.sh with this text. */
  readonly inInstaller?: readonly [string, string]
}

/** Makes a release that is broken, of the one that is installed. */
export const breakRelease = (machine: ScratchMachine, folder: string, fault: Fault) =>
  machine.shell(`
rm -rf ${folder}
cp -R ${RELEASE} ${folder}
{ printf '%s\\n' ${quoted(fault.before ?? '')}; sed 1d ${RELEASE}/dist/homeward.js; } > ${folder}/dist/homeward.js
${fault.renamed === undefined ? '' : `find ${folder}/dist -name '*.js' -exec sed -i 's/\\b${fault.renamed.join('\\b/')}/g' {} +`}
${fault.inInstaller === undefined ? '' : `sed -i ${quoted(`0,/${fault.inInstaller[0]}/s//${fault.inInstaller[1]}; &/`)} ${folder}/install.sh`}
sed -i '/^Description=/s/$/, broken/' ${folder}/systemd/*.service
${sumUp(folder)}`)

/** The same for the program in a folder of this machine. */
export async function breakProgram(dist: string, { before = '', renamed }: Fault): Promise<void> {
  const program = join(dist, 'homeward.js')
  const text = await readFile(program, 'utf8')
  const [shebang = ''] = text.split('\n', 1)
  await writeFile(program, `${shebang}\n${before}\n${text.slice(shebang.length)}`)
  if (renamed !== undefined) await changeProgram(dist, `s/\\b${renamed.join('\\b/')}/g`)
}

/** @param change as sed(1) takes it. */
export async function changeProgram(dist: string, change: string): Promise<void> {
  await runCommand('sh', ['-c', `find "$1" -name '*.js' -exec sed -i "$2" {} +`, 'sh', dist, change])
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

export const RUNS = "process.argv.at(-1) === 'run'"

/** The daemon works, and no packet of its own gets out or in. */
const DEAF = `const { Socket } = process.getBuiltinModule('node:dgram'), { emit } = Socket.prototype; Socket.prototype.send = () => {}; Socket.prototype.emit = function (name, ...said) { return name === 'message' || emit.call(this, name, ...said) }`

const KEY = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
/** Takes every file that there is into a form that the version before does not read, adds a laptop, and ends. */
const MIGRATES = `{
const fs = process.getBuiltinModule('node:fs')
const { HOMEWARD_CONFIG_DIR: config = '/etc/homeward', HOMEWARD_STATE_DIR: state = '/var/lib/homeward' } = process.env
const change = (path, how) => { if (fs.existsSync(path)) fs.writeFileSync(path, how(fs.readFileSync(path, 'utf8'))) }
const raise = (more) => (text) => JSON.stringify({ ...JSON.parse(text), ...more(JSON.parse(text)), schema: 2 })
if (['hand-over', 'container'].includes(process.argv.at(-1))) for (const name of ['agent', 'hub']) change(config + '/' + name + '.yaml', (text) => text + 'sinceTwo: true\\n')
if (${RUNS}) {
  const laptop = { name: 'laptop', address: '10.86.7.7', publicKey: '${KEY}', presharedKey: '${KEY}', home: null, addedAt: '2026-11-23T10:00:00.000Z' }
  change(state + '/store.json', raise(({ devices }) => ({ devices: [...devices, laptop] })))
  change(state + '/line.json', raise(() => ({})))
  console.error('no luck')
  process.exit(1)
}
}`

const DOES_NOT_ANSWER = { homeward: 'homeward does not answer', 'homeward-hub': 'homeward-hub does not answer' }

/** Releases that do not stay, each with what its log says and what the upgrade says. */
export const BROKEN: readonly {
  readonly what: string
  readonly fault: Fault
  readonly because: string
  readonly words: Readonly<Record<Service, string>>
}[] = [
  {
    // The later it ends, the more it was taken for one that runs.
    what: 'answers, and ends a little later,',
    fault: { before: `if (${RUNS}) setTimeout(() => { console.error('no luck'); process.exit(1) }, 4500)` },
    because: 'no luck',
    words: DOES_NOT_ANSWER,
  },
  {
    what: 'ends at once',
    fault: { before: `if (${RUNS}) { console.error('no luck'); process.exit(1) }` },
    because: 'no luck',
    words: DOES_NOT_ANSWER,
  },
  {
    what: 'refuses its settings',
    fault: { renamed: ['alternatePorts', 'otherPorts'] },
    because: 'alternatePorts is not a setting',
    words: DOES_NOT_ANSWER,
  },
  {
    what: 'takes all settings into a newer form, and ends,',
    fault: { before: MIGRATES },
    because: 'no luck',
    words: DOES_NOT_ANSWER,
  },
  {
    what: 'runs, and neither sends a datagram nor hears one,',
    fault: { before: `if (${RUNS}) { console.error('no luck'); ${DEAF} }` },
    because: 'no luck',
    words: {
      homeward: 'homeward runs, and the tunnel that the version before had is not up two minutes later',
      'homeward-hub': 'homeward-hub runs, and two minutes later hears fewer homes than the version before',
    },
  },
]

interface Pings {
  /** Ends them. */
  readonly counted: () => Promise<{ readonly sent: number; readonly lost: number }>
  /** Ends them too. @throws where more were lost than a busy machine explains. */
  readonly hardlyLost: () => Promise<void>
}

/**
 * The hub's machine pings the home's address in the tunnel, five times a second. A busy machine may be late, and an agent that
 * hears nothing tries what may help.
 */
export function pingHome({ hub }: Picture): Pings {
  const ping = hub.start('ping', ['-i', '0.2', '-W', '2', '10.86.0.2'])
  async function counted(): Promise<{ readonly sent: number; readonly lost: number }> {
    await ping.kill('SIGINT')
    await ping.exited
    const [, sent = '0', back = '0'] = /(\d+) packets transmitted, (\d+) received/.exec(ping.stdout) ?? []
    return { sent: Number(sent), lost: Number(sent) - Number(back) }
  }
  return {
    counted,
    hardlyLost: async () => {
      const { sent, lost } = await counted()
      if (isLong) console.log(`${lost} pings of ${sent} were lost`)
      if (lost > Math.max(3, sent / 100)) throw new Error(`the tunnel was away: ${lost} pings of ${sent} were lost`)
    },
  }
}

/** Fills the disk, as a line of shell in a `sed`. The test leaves little room before, since it is memory. */
const FILL = 'head -c 9G \\/dev\\/zero 2>\\/dev\\/null >\\/var\\/fill || true'

/** Where in an upgrade the disk becomes full, and the line of install.sh before which it does. */
export const FULL_DISKS = [
  ['before the program is copied', "logged 'copying the program'"],
  ['before what is there is laid aside', '^  keep_old$'],
  ['before the launcher is written', 'printf .#!'],
  ['before the services are given their units', '\\[ ! -e "$UNITS\\/$service.service" \\] || install_unit'],
  ['before the service begins again', 'restart_service "\\$service"'],
].map(([when = '', line = '']) => ({
  when,
  fault: {
    before: `if (${RUNS}) { console.error('no luck'); process.exit(1) }`,
    inInstaller: [line, FILL],
  } satisfies Fault,
}))
