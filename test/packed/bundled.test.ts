// What a user's bundler keeps of the library: only what the user imports.
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installPacked, type Project } from '../../tools/build/install.ts'

let project: Project
beforeAll(async () => {
  project = await installPacked()
})
afterAll(() => project.remove())

/** Bundles a program for browsers, with the built files or with the sources, in which each file can be dropped alone. */
async function bundle(program: string, library: 'built' | 'sources'): Promise<string> {
  const input = join(project.folder, 'bundled.js')
  writeFileSync(input, program)
  const source = (path: string): string => resolve('packages/escudo/src', path)
  const bundler = await rolldown({
    input,
    platform: 'browser',
    resolve:
      library === 'built'
        ? {}
        : {
            alias: {
              'escudo/errors': source('errors/index.ts'),
              'escudo/http': source('http/index.ts'),
              escudo: source('index.ts'),
            },
          },
  })
  try {
    const { output } = await bundler.generate({ minify: true })
    return output.map((file) => (file.type === 'chunk' ? file.code : '')).join('')
  } finally {
    await bundler.close()
  }
}

test.each([
  "export { shield } from 'escudo'",
  "export { retry } from 'escudo'",
  "export { bulkhead, circuitBreaker, fallback, retry, shield, timeout } from 'escudo'",
  "export { explain, withContext } from 'escudo'",
  "export { resilientFetch } from 'escudo/http'",
  "export { safe } from 'escudo/errors'",
  "export { defineErrors } from 'escudo/errors'",
  "export { createErrorContract } from 'escudo/errors'",
  "export * from 'escudo'; export * from 'escudo/errors'; export * from 'escudo/http'",
])('%s: not larger than with one file for each source', async (program) => {
  const built = (await bundle(program, 'built')).length
  expect(built).toBeGreaterThan(500)
  expect(built / (await bundle(program, 'sources')).length).toBeLessThan(1.02)
})

// What a program sends to a browser. Raise a limit only together with a feature that is worth it to every program.
test.each([
  ["export { shield } from 'escudo'", 13_000],
  ["export { retry, shield } from 'escudo'", 17_400],
  ["export { bulkhead, circuitBreaker, fallback, retry, shield, timeout } from 'escudo'", 34_300],
])('%s: at most %i bytes, minified and compressed', async (program, bytesMax) => {
  expect(gzipSync(await bundle(program, 'built'), { level: 9 }).length).toBeLessThanOrEqual(bytesMax)
})

test('an error class alone brings only the base class and the system clock, which watches for fake timers', async () => {
  const alone = await bundle("export { TimeoutError } from 'escudo'", 'built')
  expect(alone.length).toBeLessThan(3_100)
})

test('an import without a name adds nothing', async () => {
  expect(await bundle("import 'escudo'; import 'escudo/errors'; import 'escudo/http'", 'built')).toBe('')
})

test('a shield alone contains no policy, and the client of errors no catalogue', async () => {
  const alone = await bundle("export { shield } from 'escudo'", 'built')
  for (const code of ['TIMEOUT', 'DEADLINE_EXCEEDED']) expect(alone).toContain(code)
  for (const code of ['CIRCUIT_OPEN', 'BULKHEAD_FULL', 'RATE_LIMITED']) expect(alone).not.toContain(`"${code}"`)
  expect(await bundle("export { safe } from 'escudo/errors'", 'built')).not.toContain('VALIDATION_ERROR')
})
