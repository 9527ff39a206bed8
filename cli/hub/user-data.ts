import { stringify } from 'yaml'
import { formatPickupLock, type PickupLock } from '../../protocol/pickup.ts'

export interface UserData {
  /** How the hub is reached from outside. */
  readonly name: string
  readonly port: number
  readonly home: string
  /** Where releases are: a URL without a slash at its end. */
  readonly place: string
  readonly lock: PickupLock
}

/** In memory, and gone with the next start in any case. */
const FOLDER = '/run/homeward-cloud'

/**
 * What a VPS is given at its first start (cloud-init, "User data formats": cloud config). Pure. The token goes to the
 * console alone: what a script prints is kept in /var/log/cloud-init-output.log too.
 */
export function userData({ name, port, home, place, lock }: UserData): string {
  const words = [`--address '${name}'`, ...(port === 51_820 ? [] : [`--port ${port}`])].join(' ')
  const script = `#!/bin/sh
set -eu
umask 077
console() { if [ -w /dev/console ]; then cat >/dev/console || true; else cat >/dev/null; fi; }
ended() {
  [ "$1" -eq 0 ] || echo 'homeward: this VPS did not become a hub; /var/log/cloud-init-output.log says why' | console
  rm -rf ${FOLDER}
}
trap 'ended $?' EXIT
curl -fsSL --retry 5 --output ${FOLDER}/get.sh '${place}/get.sh'
HOMEWARD_PLACE='${place}' sh ${FOLDER}/get.sh hub ${words}
homeward hub invite '${home}' --pickup-file ${FOLDER}/lock >${FOLDER}/token
{
  echo
  echo 'homeward: this VPS is a hub. At home, with the code that homeward cloud-init printed: homeward join CODE'
  echo 'Or, once, within 24 hours, with this token, as one line: homeward join TOKEN'
  echo
  cat ${FOLDER}/token
  echo
} | console
`
  const config = {
    package_update: true,
    // What get.sh fetches and verifies with.
    packages: ['ca-certificates', 'curl', 'openssh-client'],
    write_files: [
      { path: `${FOLDER}/lock`, permissions: '0600', content: `${formatPickupLock(lock)}\n` },
      { path: `${FOLDER}/set-up`, permissions: '0700', content: script },
    ],
    runcmd: [['sh', `${FOLDER}/set-up`]],
    final_message: 'homeward: cloud-init has ended after $UPTIME seconds',
  }
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`
}
