import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'

const run = promisify(execFile)
const BIN = new URL('../bin.ts', import.meta.url).pathname

let folder: string
let log: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-report-'))
  log = join(folder, 'shop.log')
  const line = { timestamp: new Date().toISOString(), event: 'http.request', status_code: 200, latency_ms: 4 }
  await writeFile(log, `${JSON.stringify(line)}\n`)
})
afterEach(() => rm(folder, { recursive: true }))

const report = (...args: readonly string[]) =>
  run(process.execPath, ['--conditions=@escudo/source', BIN, '--report', ...args])

it('--report writes one HTML file and exits', async () => {
  const path = join(folder, 'report.html')
  const { stdout, stderr } = await report(path, '--lang', 'es', log)
  expect([stdout, stderr]).toEqual([`dashboard: wrote ${path}\n`, ''])
  expect(await readFile(path, 'utf8')).toMatch(/<html lang="es">.*Todo va bien en el último minuto/s)
})

it('--report says in one line what it cannot read or write', async () => {
  const path = join(folder, 'none', 'report.html')
  await expect(report(path, log)).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^dashboard: cannot write .*: ENOENT.*\n$/),
  })
  await expect(report(join(folder, 'r.html'), join(folder, 'none.log'))).rejects.toMatchObject({
    code: 2,
    stderr: `dashboard: cannot read ${join(folder, 'none.log')}\n`,
  })
})
