import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { PAGE_FOLDER, readAssets } from '../assets.ts'

const GZIP_BYTES_MAX = 70 * 1_024

/** Only a service with levers loads this script, see `levers/loaded.ts`. */
const LEVERS = '/page-levers.js'
const LEVERS_GZIP_BYTES_MAX = 4 * 1_024

/** Only a page of a log engine loads this script, see `engine/loaded.ts`. */
const ENGINE = '/page-engine.js'
const ENGINE_GZIP_BYTES_MAX = 2 * 1_024

test('keeps what every page loads within 70 KB of gzip', async () => {
  const assets = await readAssets(PAGE_FOLDER)
  expect([...assets.keys()].sort()).toEqual(['/', '/icon.svg', ENGINE, LEVERS, '/page.css', '/page.js'])
  const sizes = [...assets].map(([path, { body }]) => [path, gzipSync(body).length] as const)
  const bytes = sizes.reduce((sum, [path, size]) => (path === LEVERS || path === ENGINE ? sum : sum + size), 0)
  expect(new Map(sizes).get(LEVERS)).toBeLessThanOrEqual(LEVERS_GZIP_BYTES_MAX)
  expect(new Map(sizes).get(ENGINE)).toBeLessThanOrEqual(ENGINE_GZIP_BYTES_MAX)
  process.stdout.write(`page: ${bytes} bytes of gzip (${sizes.map(([path, size]) => `${path} ${size}`).join(', ')})\n`)
  expect(bytes).toBeLessThanOrEqual(GZIP_BYTES_MAX)
})

test('returns no assets when the page is not built', async () => {
  expect((await readAssets('/nowhere/at/all')).size).toBe(0)
})
