import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleFor } from '../../lab/host/bundle.ts'
import type { RunResult } from '../../lab/host/host.ts'
import { isLong } from '../../long.ts'
import type { ScratchMachine } from '../scratch-machine.ts'
import { bootVpsAndPi, camera, install, invite, untilUp, type VpsAndPi } from '../vps-and-pi.ts'
import type { Findings, Question } from './local-user.ts'

const SEED = Number(process.env['HOMEWARD_TEST_SEED'] ?? randomInt(2 ** 31))
const STEPS = Number(process.env['HOMEWARD_TEST_STEPS'] ?? 3_000)
const MINUTES = 1_800_000
const USER = 64_322
const CANARY = 'a-word-that-root-alone-knows-0123456789'

/** What root does meanwhile, again and again. Its last line: for how many seconds the daemon did not answer, at most. */
const rootAtWork = (asks: string, changes: string): string => `
answered=$(date +%s) longest=0 count=0
note() {
  now=$(date +%s)
  [ $((now - answered)) -le $longest ] || longest=$((now - answered))
}
while [ ! -e /root/enough ] || [ $count -lt 5 ]; do
  if ${asks}; then note; answered=$now; fi
  count=$((count + 1))
  ${changes} >/dev/null 2>&1 || true
  [ $count != 3 ] || /opt/homeward/install.sh upgrade </dev/null >&2 &
done
wait
note
echo $longest`

const WORK = {
  'homeward-hub': rootAtWork(
    `homeward hub status --json 2>/dev/null | grep '"daemon": "running"' >/dev/null`,
    'homeward hub invite guest$count',
  ),
  homeward: rootAtWork(`homeward status --json 2>/dev/null | grep '"tunnel"' >/dev/null`, 'homeward apply --yes'),
}
/** A start of the service and of the command that asks, on a machine with too much to do. */
const LONGEST_RESTART_SECONDS = 120

describe.runIf(isLong)(`a user of the VPS and of the Pi without any right, by the seed ${SEED}`, () => {
  let machines: VpsAndPi
  beforeAll(async () => {
    console.log(`HOMEWARD_TEST_SEED=${SEED} HOMEWARD_TEST_STEPS=${STEPS}`)
    machines = await bootVpsAndPi()
    const { vps, pi, picture } = machines
    await install(vps, 'hub --address 203.0.113.10')
    await install(pi, `home ${await invite(vps)}`)
    await untilUp(pi)
    await pi.shell('homeward device add phone --conf /root/phone.conf')
    const program = await bundleFor(picture.hub.disk.configDir, new URL('local-user.ts', import.meta.url))
    for (const machine of [vps, pi]) {
      await machine.copyIn([program], '/opt/user')
      await machine.shell(`
mv /opt/user/*.mjs /opt/user/local-user.mjs && chmod -R a+rX /opt/user
echo ${CANARY} >/root/canary && chmod 600 /root/canary
chmod 755 / /opt /usr/local /usr/local/bin`)
    }
  }, MINUTES)
  afterAll(() => machines?.end())

  test(
    'becomes no root, reads no secret, and ends no daemon',
    async () => {
      const { vps, pi } = machines
      const ends = await Promise.allSettled([spend(vps, 'homeward-hub', SEED), spend(pi, 'homeward', SEED + 1)])
      for (const end of ends) if (end.status === 'rejected') throw end.reason
      await untilUp(pi)
      expect(await camera(machines.picture)).toContain('camera')
    },
    MINUTES,
  )
})

async function spend(machine: ScratchMachine, service: keyof typeof WORK, seed: number): Promise<void> {
  const before = await stateOf(machine)
  const question = await questionFor(machine, seed)
  expect(question.secrets.length).toBeGreaterThan(2)
  const root = machine.shell(WORK[service], { timeoutMs: MINUTES })
  const user = machine.shell(
    `setpriv --reuid ${USER} --regid ${USER} --clear-groups env -i PATH="$PATH" HOME=/tmp TMPDIR=/tmp node /opt/user/local-user.mjs <<'QUESTION'
${JSON.stringify(question)}
QUESTION`,
    { timeoutMs: MINUTES },
  )
  const ended = await user.catch((failure: unknown) => failure)
  await machine.shell('touch /root/enough')
  const { stdout, stderr } = await root
  if (ended instanceof Error) throw ended
  const findings = JSON.parse((ended as RunResult).stdout) as Findings
  console.log(service, JSON.stringify(findings.acts), `silent for ${stdout.trim()} s at most`)
  expect(findings.read).toEqual([])
  expect(findings.changed).toEqual([])
  // It was no idle hour: files were put into root's way, and questions asked.
  expect(findings.acts['a question']?.[1]).toBeGreaterThan(STEPS / 100)
  expect(findings.acts['a link to a target']?.[1]).toBeGreaterThan(STEPS / 200)
  expect(stderr).toContain('tunnels stayed up')
  expect(Number(stdout)).toBeLessThan(LONGEST_RESTART_SECONDS)
  expect(await stateOf(machine)).toBe(before)
}

/** What root's and the service's files are, and what of this machine is another user's to execute as root. */
async function stateOf(machine: ScratchMachine): Promise<string> {
  const { stdout } = await machine.shell(`
cd / && sha256sum etc/passwd etc/shadow root/canary etc/systemd/system/homeward*.service usr/local/bin/homeward etc/homeward/*.key etc/homeward/*.yaml
find usr/local/lib/homeward -type f -exec sha256sum {} + | sort | sha256sum
find / -xdev -perm /6000 -type f -printf '%p %U %m\\n' | sort
find etc/homeward var/lib/homeward usr/local/lib/homeward ! -user homeward ! -user root
find etc usr/local var/lib run -xdev -user ${USER} ! -path 'run/lock/*' -printf 'of the user: %p\\n'
systemctl show --property NRestarts --value homeward homeward-hub | tr '\\n' ' '`)
  return stdout
}

async function questionFor(machine: ScratchMachine, seed: number): Promise<Question> {
  const { stdout } = await machine.shell(`
cat /etc/homeward/*.key /etc/homeward/*.secret /var/lib/homeward/key.json 2>/dev/null | grep -v -e '-----' | grep -oE '[A-Za-z0-9+/_=-]{40,}' || true
grep -ohE '"presharedKey": *"[^"]+"' /var/lib/homeward/store.json 2>/dev/null | grep -oE '[A-Za-z0-9+/=]{44}' || true
sed -n 's/^\\(PrivateKey\\|PresharedKey\\) = //p' /root/phone.conf 2>/dev/null || true
echo ${CANARY}
echo --
find /etc/homeward /var/lib/homeward /run/homeward /run/wireguard /root/canary /etc/shadow /usr/local/lib/homeward/dist/homeward.js /usr/local/bin/homeward /etc/systemd/system/homeward*.service
echo --
find /run -type s
echo --
ss -Hlntu | sed -E 's/.*[:.]([0-9]+) +[^ ]+ *$/\\1/' | sort -u`)
  const [secrets = [], targets = [], sockets = [], ports = []] = stdout
    .split(/^--$/m)
    .map((part) => part.split('\n').filter((line) => line !== ''))
  const pub = (await machine.shell('wg show all public-key; wg show all peers')).stdout
  return {
    seed,
    steps: STEPS,
    // What `wg pubkey` makes of them is no secret.
    secrets: secrets.filter((secret) => !pub.includes(secret)),
    targets,
    sockets,
    ports: ports.map(Number).filter((port) => port > 0),
  }
}
