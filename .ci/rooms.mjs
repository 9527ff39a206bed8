// Holds the code to the order of its rooms (rooms.json), and finds every circle of files and of rooms, those too that
// ride on types alone or on import().
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync, Visitor } from 'oxc-parser'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Room (a folder, or a file that is one by itself) to the rooms that it may import. */
const allowed = JSON.parse(readFileSync(join(root, '.ci/rooms.json'), 'utf8'))
const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.ts'], {
  cwd: root,
})
const files = listed
  .toString()
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)))

/** The innermost room that a file lies in. */
function roomOf(file) {
  for (let room = file; room !== '.'; room = dirname(room)) if (room in allowed) return room
  return null
}

/** What a file imports of ours. */
function importsOf(file) {
  const { program, errors } = parseSync(file, readFileSync(join(root, file), 'utf8'))
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`)
  const found = new Set()
  const see = ({ source }) => {
    if (typeof source?.value === 'string' && source.value.startsWith('.')) found.add(join(dirname(file), source.value))
  }
  new Visitor({
    ImportDeclaration: see,
    ExportNamedDeclaration: see,
    ExportAllDeclaration: see,
    ImportExpression: see,
    TSImportType: see,
  }).visit(program)
  return found
}

/** Groups of more than one that reach each other (Tarjan 1972). */
function circlesIn(graph) {
  const index = new Map()
  const low = new Map()
  const stack = []
  const circles = []
  const visit = (node) => {
    index.set(node, index.size)
    low.set(node, index.get(node))
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) visit(next)
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)))
    }
    if (low.get(node) !== index.get(node)) return
    const circle = stack.splice(stack.indexOf(node))
    if (circle.length > 1) circles.push(circle)
  }
  for (const node of graph.keys()) if (!index.has(node)) visit(node)
  return circles
}

const complaints = []
const ofFiles = new Map(files.map((file) => [file, importsOf(file)]))
const ofRooms = new Map()
for (const [file, targets] of ofFiles) {
  const room = roomOf(file)
  if (room === null) {
    complaints.push(`${file} lies in no room of .ci/rooms.json`)
    continue
  }
  if (!ofRooms.has(room)) ofRooms.set(room, new Set())
  for (const target of targets) {
    const other = roomOf(target)
    if (other === null || other === room) continue
    ofRooms.get(room).add(other)
    if (allowed[room] !== '*' && !allowed[room].includes(other))
      complaints.push(`${file} imports ${target}: ${room} may import ${allowed[room].join(', ') || 'nothing of ours'}`)
  }
}
for (const circle of circlesIn(ofFiles)) complaints.push(`a circle of files: ${circle.join(', ')}`)
// What imports anything proves, and is imported by its own kind alone.
for (const room of ofRooms.keys()) if (allowed[room] === '*') ofRooms.delete(room)
for (const circle of circlesIn(ofRooms)) complaints.push(`a circle of rooms: ${circle.join(', ')}`)
if (process.argv.includes('--draw'))
  for (const [room, others] of ofRooms) console.log(`${room}: ${[...others].join(' ')}`)
for (const complaint of complaints) console.error(complaint)
process.exitCode = complaints.length > 0 ? 1 : 0
