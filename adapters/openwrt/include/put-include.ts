import { RUN } from '../uci/places.ts'
import { FILES, FOLDER, type Include } from './include.ts'

/** How files of rules come to the router and go, in the shell of busybox. */

/** A file of rules takes one block of the flash. */
export const KIB_OF_RULES = 4

/** A file of rules as lines among those for `uci batch`, which does not get them: a comment there. */
export function includeLines({ name, text }: Include): readonly string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `#${name} ${line}`)
}

/**
 * Takes the files out of the lines, to RAM, and asks nft about each by itself: nothing is changed by one that it refuses.
 * Their names are in `names` then.
 */
export const TAKE_RULES = `mkdir -p ${RUN}/rules
names=$(sed -n 's/^#\\(${FILES}[a-z0-9_]*-[0-9a-f]*[.]inc\\) .*/\\1/p' ${RUN}/batch | sort -u)
for n in $names; do sed -n "s/^#$n //p" ${RUN}/batch > ${RUN}/rules/$n
said=$({ echo 'table inet homeward_check {'; cat ${RUN}/rules/$n; echo '}'; } | nft -c -f - 2>&1) || fail "nft refuses homeward's rules: $said"; done
sed '/^#${FILES}/d' ${RUN}/batch > ${RUN}/rules/batch && mv ${RUN}/rules/batch ${RUN}/batch`

/** Writes the file $n on the flash, whole or not at all; \`beside\` is in put-file.ts. */
export const PUT_RULES = `mkdir -p ${FOLDER} && beside ${RUN}/rules/$n ${FOLDER}/.$n && mv ${FOLDER}/.$n ${FOLDER}/$n`

/** Prints files of ours that uci's file does not name. */
export const UNNAMED = `for n in ${FOLDER}/${FILES}* ${FOLDER}/.${FILES}*; do [ ! -e "$n" ] || grep -qsF "$n'" /etc/config/firewall || echo "$n"; done`

/** Removes files of ours that uci's file does not name. */
export const PRUNE = `for n in ${FOLDER}/${FILES}* ${FOLDER}/.${FILES}*; do grep -qsF "$n'" /etc/config/firewall || rm -f "$n"; done`

/** Removes chains of ours that are in no file any more: fw4's reload only empties what it does not make again. */
export const EMPTY_CHAINS = `nft list table inet fw4 2>/dev/null | sed -n 's/^[^a-z]*chain \\(homeward_[a-z0-9_]*\\) {.*/\\1/p' | while read -r c; do grep -qsF "chain $c {" ${FOLDER}/${FILES}* || nft delete chain inet fw4 $c; done`
