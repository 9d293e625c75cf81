import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { PAGE_FOLDER, readAssets } from '../assets.ts'

const GZIP_BYTES_MAX = 70 * 1_024

test('keeps the whole built page within 70 KB of gzip', async () => {
  const assets = await readAssets(PAGE_FOLDER)
  expect([...assets.keys()].sort()).toEqual(['/', '/icon.svg', '/page.css', '/page.js'])
  const bytes = [...assets.values()].reduce((sum, { body }) => sum + gzipSync(body).length, 0)
  expect(bytes).toBeLessThanOrEqual(GZIP_BYTES_MAX)
})

test('returns no assets when the page is not built', async () => {
  expect((await readAssets('/nowhere/at/all')).size).toBe(0)
})
