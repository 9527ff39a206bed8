/**
 * Functions for the router's shell that write a file on its flash, which may be full at any moment, from a copy in RAM.
 * Not by `uci commit`: on a full flash it leaves a file of 0 bytes and succeeds, and rpcd commits and reloads in one
 * go, so that nothing could be checked in between.
 */

/**
 * beside FROM TEMP: makes a copy on the flash, whole or not at all. Synced, since a rename may reach the flash before
 * the data, and since some file systems (UBIFS) learn only then that there is no room.
 */
const BESIDE = `beside() { cp -p "$1" "$2" && sync && cmp -s "$1" "$2" || { rm -f "$2"; return 1; }; }`

/**
 * inplace FROM FILE: for a flash without room for a second copy. No byte is given up before there is room for all of
 * them: the file is first made longer (an empty line means nothing in it), then overwritten, then cut.
 */
const IN_PLACE = `inplace() {
[ -e "$2" ] || : > "$2" || return 1
size=$(($(wc -c < "$1"))); more=$((size - $(wc -c < "$2")))
[ $more -le 0 ] || dd if=/dev/zero bs=$more count=1 2>/dev/null | tr '\\0' '\\n' >> "$2"
[ $(wc -c < "$2") -ge $size ] && cat "$1" 1<> "$2" && dd of="$2" bs=1 seek=$size count=0 </dev/null 2>/dev/null
sync
cmp -s "$1" "$2"; }`

/** putback FROM FILE TEMP: restores a file, in one move or in place. Fails while there is no room for it. */
const PUT_BACK = `putback() { cmp -s "$1" "$2" || { beside "$1" "$3" 2>/dev/null && mv "$3" "$2" && sync; cmp -s "$1" "$2"; } || inplace "$1" "$2"; }`

export const WRITING = [BESIDE, IN_PLACE, PUT_BACK].join('\n')

/** Prints the space left for a folder, in KiB; nothing where unknown. Its device's name may take a line of its own. */
export function freeKib(folder: string): string {
  return `df -k ${folder} 2>/dev/null | awk 'NF>4 && $(NF-2)~/^[0-9]+$/{n=$(NF-2)} END{print n}'`
}
