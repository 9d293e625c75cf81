import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { PAGE_FOLDER, readAssets } from '../assets.ts'

const GZIP_BYTES_MAX = 70 * 1_024

/**
 * Scripts that are loaded when they are needed, and the most bytes of each: see `state/script.ts`, `levers/loaded.ts` and
 * `engine/loaded.ts`.
 */
const LATER: Readonly<Record<string, number>> = {
  '/page-engine.js': 2 * 1_024,
  '/page-heat.js': 5 * 1_024,
  '/page-levers.js': 4 * 1_024,
  '/page-map.js': 8 * 1_024,
}

test('keeps what every page loads within 70 KB of gzip, and what is loaded later small', async () => {
  const assets = await readAssets(PAGE_FOLDER)
  expect([...assets.keys()].sort()).toEqual(['/', '/icon.svg', ...Object.keys(LATER), '/page.css', '/page.js'])
  const sizes = [...assets].map(([path, { body }]) => [path, gzipSync(body).length] as const)
  const bytes = sizes.reduce((sum, [path, size]) => (path in LATER ? sum : sum + size), 0)
  process.stdout.write(`page: ${bytes} bytes of gzip (${sizes.map(([path, size]) => `${path} ${size}`).join(', ')})\n`)
  expect(bytes).toBeLessThanOrEqual(GZIP_BYTES_MAX)
  for (const [path, most] of Object.entries(LATER)) expect(new Map(sizes).get(path), path).toBeLessThanOrEqual(most)
})

test('returns no assets when the page is not built', async () => {
  expect((await readAssets('/nowhere/at/all')).size).toBe(0)
})
