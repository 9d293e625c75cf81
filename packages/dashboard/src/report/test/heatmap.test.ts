import { afterEach, beforeEach, expect, it } from 'vitest'
import { heatmapOf } from '../heatmap.ts'
import { ENTRIES, selectionOf } from '../selection.ts'
import { createSystem, every, NOW, type TestSystem } from './setup.ts'

let system: TestSystem
beforeEach(async () => {
  system = await createSystem(['shop', 'inventory'])
})
afterEach(() => system.remove())

it('counts the latencies of a range by time and band, and of each service and route', async () => {
  await system.write('shop', every(1, 30, 21, { latency_ms: 12, path: '/orders' }))
  await system.write('shop', every(1, 30, 27, { latency_ms: 900, path: '/slow' }))
  await system.write('inventory', every(1, 30, 26, { latency_ms: 0 }))
  const all = heatmapOf(system.files, 300, ENTRIES, NOW)
  expect(all.total).toBe(19)
  expect(all.bands.map(({ count }) => count)).toEqual([5, 10, 4])
  expect(all.bands[0]).toMatchObject({ from: 0, to: 0.001 })
  for (const [at, ms] of [
    [1, 12],
    [2, 900],
  ] as const) {
    expect(all.bands[at]?.from).toBeLessThanOrEqual(ms)
    expect(all.bands[at]?.to).toBeGreaterThan(ms)
  }
  expect(all.step_ms).toBe(2_000)
  expect(all.columns.map(({ counts }) => counts.length)).toEqual(all.columns.map(() => 3))
  const sums = [0, 1, 2].map((band) => all.columns.reduce((sum, { counts }) => sum + (counts[band] ?? 0), 0))
  expect(sums).toEqual([5, 10, 4])
  expect(heatmapOf(system.files, 300, selectionOf('shop', undefined, false), NOW).total).toBe(14)
  expect(heatmapOf(system.files, 300, selectionOf('shop', '/slow', false), NOW).bands).toMatchObject([{ count: 4 }])
})

it('is empty without latencies, and takes a range that was chosen', async () => {
  await system.write('shop', every(1, 30, 21, { latency_ms: undefined }))
  const range = { from: NOW - 60_000, to: NOW }
  expect(heatmapOf(system.files, range, ENTRIES, NOW)).toMatchObject({ total: 0, bands: [], columns: [] })
})
