// The guard in front of every npm script: it checks that the pinned Node runs it, then becomes the script.
// One process, not a parent and a child, so that a signal sent to it reaches the script itself.
// Plain JavaScript, since an old Node must be able to read it.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const MAJOR_WANTED = 24
const major = Number(process.versions.node.split('.')[0])
const [script, ...rest] = process.argv.slice(2)

if (major < MAJOR_WANTED) {
  console.error(
    `escudo: this script needs Node ${MAJOR_WANTED}, and Node ${process.versions.node} runs it. Run \`npm ci\` again with optional dependencies (without --omit=optional), or install Node ${MAJOR_WANTED} where npm has none for your platform (${process.platform}-${process.arch}).`,
  )
  process.exit(1)
}
if (script === undefined || !existsSync(script)) {
  console.error(
    `escudo: no such script: ${script ?? '(none given)'}. Run \`npm ci\` in the root of the repository first.`,
  )
  process.exit(1)
}
const path = resolve(script)
process.argv = [process.argv[0], path, ...rest]
await import(pathToFileURL(path).href)
