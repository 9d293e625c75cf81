import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Health } from '../report/health.ts'
import type { Summary } from '../report/summary.ts'

const run = promisify(execFile)
const BIN = new URL('../bin.ts', import.meta.url).pathname

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-once-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function once(...flags: readonly string[]): Promise<Summary & { readonly health: Health }> {
  const file = join(folder, 'shop.log')
  const start = Date.now() - 50_000
  const lines = Array.from({ length: 100 }, (_, at) =>
    JSON.stringify({
      timestamp: new Date(start + at * 500).toISOString(),
      event: 'http.request',
      status_code: at % 10 === 0 ? 503 : 200,
      latency_ms: 400,
    }),
  )
  await writeFile(file, `${lines.join('\n')}\n`)
  const { stdout } = await run(process.execPath, [
    '--conditions=@escudo/source',
    BIN,
    '--once',
    '--json',
    ...flags,
    file,
  ])
  return JSON.parse(stdout) as Summary & { readonly health: Health }
}

it('prints the verdict beside the summary', async () => {
  expect(await once()).toMatchObject({ requests: 100, health: { state: 'failing', cause: { service: 'shop' } } })
})

it('judges by the limits of the command line', async () => {
  expect((await once('--threshold', 'failing-share=20%')).health.state).toBe('degraded')
  expect((await once('--threshold', 'failing-share=20%', '--threshold', 'healthy-share=20%')).health.state).toBe(
    'healthy',
  )
})

it('judges by an objective with a latency', async () => {
  const { health } = await once('--slo', '50,300ms')
  expect(health).toMatchObject({ state: 'failing', services: [{ burn_rate: 2 }] })
})
