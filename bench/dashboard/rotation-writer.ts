// Appends lines to a log and renames it, again and again, as fast as it can: app.log becomes app.log.1, and so on.
import { closeSync, openSync, renameSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const [, , path = '', renames = '0', lines = '0'] = process.argv
for (let rotation = 0; rotation <= Number(renames); rotation += 1) {
  const file = openSync(path, 'a')
  for (let line = 0; line < Number(lines); line += 1) {
    const at = new Date().toISOString()
    writeSync(file, `{"timestamp":"${at}","event":"http.request","route":"/r${rotation}","status_code":200}\n`)
    // Others may read what is there so far.
    if (line % 10 === 0) await delay(1)
    // The name changes before the last lines are written, as with a server that opens its new log a moment later.
    if (line === Number(lines) - 2 && rotation < Number(renames)) renameSync(path, `${path}.${rotation}`)
  }
  closeSync(file)
}
