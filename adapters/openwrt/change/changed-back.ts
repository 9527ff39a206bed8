import { MARK, PREFIX } from '../uci/sections.ts'

/**
 * Tells what a section is from its first line: ours is an interface with the mark, a peer of such an interface, or a
 * section with a name of ours. Quotes are the writer's own habit; uci takes each kind.
 */
const AWK = `function head(line) { gsub(/["'\\'']/, "", line); split(line, word, /[ \t]+/); at = word[1] == "" ? 2 : 1; type = word[at + 1]; name = word[at + 2] }
function isours() { return name ~ /^${PREFIX}_/ || type == "interface" && name in marked || type ~ /^wireguard_/ && substr(type, 11) in marked }
BEGIN { config = "^[ \t]*config[ \t]"; option = "^[ \t]*(option|list)[ \t]"; empty = "^[ \t]*$" }
FNR == 1 { ours = 0 }
$0 ~ config { head($0); ours = pass == 1 ? 0 : isours() }
pass == 1 { if (type == "interface" && $0 ~ /^[ \t]*option[ \t]+["'\\'']?${MARK}["'\\'']?[ \t]/) marked[name]; next }
pass == 2 { if (!(ours && ($0 ~ config || $0 ~ option || $0 ~ empty))) print; next }
ours { print }
END { print "#end" }`

/**
 * changedback BEFORE NOW: prints the file of now with our sections as they were before, and a last line that says that
 * all of it came. What others wrote stays to the letter, comments too.
 */
export const CHANGED_BACK = `changedback() { awk '${AWK}' pass=1 "$1" "$2" pass=2 "$2" pass=3 "$1"; }`
