// Every npm script starts here: this checks the Node version, then runs the script in the same process.
// One process instead of a parent and a child, so that a signal sent to it reaches the script.
// Plain JavaScript, because an old Node must be able to parse it.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const MAJOR_WANTED = 24
const major = Number(process.versions.node.split('.')[0])
const [script, ...rest] = process.argv.slice(2)

if (major < MAJOR_WANTED) {
  console.error(
    `escudo: this script needs Node ${MAJOR_WANTED}, but runs on Node ${process.versions.node}. Run \`npm ci\` again with optional dependencies (without --omit=optional). If npm has no Node ${MAJOR_WANTED} for your platform (${process.platform}-${process.arch}), install it yourself.`,
  )
  process.exit(1)
}
if (script === undefined || !existsSync(script)) {
  console.error(
    `escudo: script not found: ${script ?? '(none given)'}. Run \`npm ci\` in the root of the repository first.`,
  )
  process.exit(1)
}
const path = resolve(script)
process.argv = [process.argv[0], path, ...rest]
await import(pathToFileURL(path).href)
