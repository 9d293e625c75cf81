import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { PAGE_FOLDER, readAssets } from '../assets.ts'

const GZIP_BYTES_MAX = 70 * 1_024

test('keeps the whole built page within 70 KB of gzip', async () => {
  const assets = await readAssets(PAGE_FOLDER)
  expect([...assets.keys()].sort()).toEqual(['/', '/icon.svg', '/page.css', '/page.js'])
  const sizes = [...assets].map(([path, { body }]) => [path, gzipSync(body).length] as const)
  const bytes = sizes.reduce((sum, [, size]) => sum + size, 0)
  process.stdout.write(`page: ${bytes} bytes of gzip (${sizes.map(([path, size]) => `${path} ${size}`).join(', ')})\n`)
  expect(bytes).toBeLessThanOrEqual(GZIP_BYTES_MAX)
})

test('returns no assets when the page is not built', async () => {
  expect((await readAssets('/nowhere/at/all')).size).toBe(0)
})
