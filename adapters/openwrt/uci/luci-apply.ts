import type { Refusal } from '../../observation.ts'

/**
 * LuCI applies through rpcd, which keeps whole files of before and puts them back unless LuCI confirms in time: what is
 * written meanwhile would go with them. Only rpcd knows its timer; the copies tell when it began (rpcd's uci.c and
 * uci.h), and LuCI's settings how long it takes. An apply without a timer leaves its copies too, and is waited for as long.
 */
export const SNAPSHOTS = '/var/run/rpcd/snapshot-files'
/** LuCI waits no shorter, whatever its settings say. */
const LEAST_SECONDS = 90

/** lucileft: prints how many seconds an apply of LuCI's may still be taken back; nothing where none waits. */
export const LUCI_LEFT = `lucileft() { d=${SNAPSHOTS}; [ -e $d/network ] || [ -e $d/firewall ] || return 0
t=$(uci -q get luci.apply.rollback); case "$t" in ''|*[!0-9]*) t=0 ;; esac; [ $t -ge ${LEAST_SECONDS} ] || t=${LEAST_SECONDS}
t=$(($(date -r $d +%s) + t - $(date +%s))); [ $t -le 0 ] || echo $t; }`

/** The refusal of a plan that writes. @param left what lucileft printed. Pure. */
export function unconfirmedApply(left: string): readonly Refusal[] {
  const seconds = /^\d+$/.exec(left.trim())?.[0]
  if (seconds === undefined) return []
  return [
    {
      code: 'router-apply-unconfirmed',
      retryAfterSeconds: Number(seconds),
      why: `a change in LuCI waits for its confirmation, ${seconds} s left; if that does not come, the router puts back its files of before, and homeward’s changes would go with them`,
    },
  ]
}
