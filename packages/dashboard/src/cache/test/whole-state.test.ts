import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { LogFiles } from '../../journal/log-files.ts'
import { callsAt } from '../../report/calls.ts'
import { healthOf } from '../../report/health.ts'
import { heatmapOf } from '../../report/heatmap.ts'
import { ENTRIES } from '../../report/selection.ts'
import { columnsOf, partsOf, rangeOf } from '../../report/view.ts'
import { storedByFiles } from '../../test/packed-state.ts'
import { DEFAULT_THRESHOLDS } from '../../verdict/thresholds.ts'
import { begin, NOW } from './setup.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-cache-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const NAMES = ['shop', '__proto__', 'constructor', 'hasOwnProperty']

/** Lines of all kinds that are counted somewhere, some minutes old: requests, calls, breakers, instances, processes. */
function linesOfAllKinds(): string {
  const lines: object[] = []
  const add = (agoS: number, service: string, event: string, fields: object): void => {
    const timestamp = new Date(NOW - agoS * 1_000).toISOString()
    lines.push({ timestamp, log_level: 'info', event, service, ...fields })
  }
  for (const [at, service] of NAMES.entries()) {
    const other = NAMES[(at + 1) % NAMES.length] ?? ''
    for (let pid = 1; pid <= 3; pid += 1) {
      const instance = { name: `${service}-${pid}`, pid, started_at: '2026-11-28T10:00:00Z' }
      add(1_500, service, 'service.start', { instance })
      const shield = { shield: other, policy: service, instance }
      add(900 - pid, service, 'circuit_breaker.state_change', {
        ...{ ...shield, from: 'closed', to: 'open', reason: 'constructor', failures: 5, calls: 9, error_code: 'E' },
      })
      add(890, service, 'circuit_breaker.rejected', { ...shield, retry_after_ms: 5_000 })
      if (pid === 1)
        add(800, service, 'circuit_breaker.state_change', { ...shield, from: 'open', to: 'closed', reason: '' })
      add(700, service, 'policy.summary', { shield: other, instance, counts: { fallback: 3, timeout: 2 } })
    }
    for (let number = 0; number < 200; number += 1) {
      const span = `${service}${number}`
      const failed = number % 7 === 0
      add(600 - number, service, 'http.request', {
        ...{
          trace_id: `t${number}`,
          span_id: span,
          route: `/${NAMES[number % 4]}`,
          instance: { host: `h${number % 2}` },
        },
        ...{ status_code: failed ? 503 : 200, latency_ms: number % 3 === 0 ? 0 : number, degraded: number % 11 === 0 },
        ...(at === 0 ? {} : { parent_span_id: `${NAMES[at - 1]}${number}` }),
        ...(failed ? { error_code: 'constructor', error_kind: 'technical', detail: `no ${number}` } : {}),
      })
      if (number % 50 === 0) add(600 - number, service, 'health', { path: '/healthz', status_code: 500, latency_ms: 1 })
    }
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** All that a page, the map, the heatmap and the verdict show. */
function shownBy(files: LogFiles): unknown {
  const health = healthOf(files, NOW, DEFAULT_THRESHOLDS)
  const range = rangeOf(files, 3_600, NOW)
  // What is read from the files again: whether they are there, and how fast.
  const { sources: _, ...parts } = partsOf(files, range, health, ENTRIES, NOW)
  return structuredClone({
    health,
    parts,
    columns: columnsOf(files, range, 0, ENTRIES),
    map: callsAt(files, health, NOW, DEFAULT_THRESHOLDS),
    heatmap: heatmapOf(files, 3_600, ENTRIES, NOW),
    tail: files.journal.tail.items.map(({ at, text, service }) => [at, text, service]),
  })
}

it('is complete: after it, everything is shown as before, and stored again as it was', async () => {
  const path = join(folder, 'all.jsonl')
  const cache = join(folder, 'cache')
  await writeFile(path, linesOfAllKinds())
  const first = await begin([path], cache)
  await first.files.readAll()
  const [shown, state] = [shownBy(first.files), storedByFiles(first.files)]
  first.cache.end()
  await first.files.end()
  const second = await begin([path], cache)
  expect(second.hasRestored).toBe(true)
  expect(shownBy(second.files)).toEqual(shown)
  expect(storedByFiles(second.files)).toEqual(state)
  await second.files.readAll()
  expect(shownBy(second.files)).toEqual(shown)
  const { map, parts } = shown as { map: { calls: unknown[] }; parts: { lanes: unknown[] } }
  // There is something to compare.
  expect([map.calls.length, parts.lanes.length]).toEqual([expect.any(Number), 4])
  expect(map.calls.length).toBeGreaterThan(3)
  await second.files.end()
})
