import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { callsOf } from '../../report/calls.ts'
import { healthOf } from '../../report/health.ts'
import { ENTRIES } from '../../report/selection.ts'
import { partsOf, rangeOf } from '../../report/view.ts'
import { DEFAULT_THRESHOLDS } from '../../verdict/thresholds.ts'
import { LogFiles } from '../log-files.ts'

const NOW = Date.parse('2026-11-28T14:00:00Z')

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-names-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function filesWith(lines: readonly object[]): Promise<LogFiles> {
  const path = join(folder, 'all.jsonl')
  const usual = { timestamp: new Date(NOW - 5_000).toISOString(), log_level: 'info' }
  await writeFile(path, lines.map((line) => `${JSON.stringify({ ...usual, ...line })}\n`).join(''))
  const files = new LogFiles([path], undefined, () => NOW)
  await files.readAll()
  return files
}

function shownBy(files: LogFiles) {
  const health = healthOf(files, NOW, DEFAULT_THRESHOLDS)
  return {
    parts: partsOf(files, rangeOf(files, 900, NOW), health, ENTRIES, NOW),
    calls: callsOf(files, health, NOW).calls,
  }
}

it('keeps names of a million characters short, in every part of the page', async () => {
  const long = (at: number): string => `${at}${'x'.repeat(900_000)}`
  const change = { event: 'circuit_breaker.state_change', service: 's', shield: 'a', from: 'closed', to: 'open' }
  const request = { event: 'http.request', service: 's', status_code: 503, latency_ms: 1 }
  const fallback = { event: 'fallback', service: 's', shield: 'a', error_type: 'E' }
  const lines = [1, 2, 3].flatMap((at) => [
    { ...request, service: long(at) },
    ...['route', 'path', 'instance', 'error_code', 'detail'].map((name) => ({ ...request, [name]: long(at) })),
    ...['service', 'shield', 'policy', 'from', 'to', 'reason', 'trace_id', 'error_type', 'instance'].map((name) => ({
      ...change,
      [name]: long(at),
    })),
    ...['shield', 'error_type', 'error_message'].map((name) => ({ ...fallback, [name]: long(at) })),
  ])
  const files = await filesWith(lines)
  expect(files.journal.services.all.length).toBe(4)
  expect(JSON.stringify(shownBy(files)).length).toBeLessThan(300_000)
  await files.end()
})

it('keeps names apart that contain the character between names', async () => {
  const change = { event: 'circuit_breaker.state_change', from: 'closed', to: 'open' }
  const files = await filesWith([
    { ...change, service: 'a', shield: 'b\0c', policy: 'd' },
    { ...change, service: 'a\0b', shield: 'c', policy: 'd' },
    { ...change, service: 'a', shield: 'b', policy: 'c\0d' },
    { event: 'http.request', service: 'x', route: '/y\0/z', status_code: 200, latency_ms: 1 },
    { event: 'http.request', service: 'x\0/y', route: '/z', status_code: 200, latency_ms: 1 },
  ])
  const { parts, calls } = shownBy(files)
  expect(parts.lanes.length).toBe(3)
  expect(calls.length).toBe(3)
  expect(parts.tables.routes.rows.map(({ route }) => route).sort()).toEqual(['/y\uFFFD/z', '/z'])
  await files.end()
})
