// Runs the snippets of docs/testing.md that need a test runner. The others run like the snippets of every document.
import { execFile } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { ROOT } from '../../tools/tidy/repository.ts'
import { bundle } from '../helpers/bundle.ts'

const CHILD_MAX_MS = 30_000
const runFile = promisify(execFile)
const text = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8')
const snippets = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code as string)
let folder = ''

afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Writes the snippet that imports a runner, next to a bundle of the library. */
async function write(runner: string, file: string): Promise<void> {
  const code = snippets.find((snippet) => snippet.includes(`from '${runner}'`))
  if (code === undefined) throw new Error(`no snippet imports ${runner}`)
  folder = await bundle('packages/escudo/src/index.ts')
  writeFileSync(join(folder, file), code.replace("'escudo'", "'./entry.mjs'"))
}

async function run(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, NO_COLOR: '1', VITEST: '' }
  const { stdout, stderr } = await runFile(process.execPath, args, { cwd: ROOT, timeout: CHILD_MAX_MS, env })
  return stdout + stderr
}

test('the snippet for Vitest passes', async () => {
  await write('vitest', 'snippet.test.mjs')
  const config = join(folder, 'vitest.config.mjs')
  writeFileSync(
    config,
    `export default { root: ${JSON.stringify(folder)}, test: { include: ['*.test.mjs'], exclude: [] } }`,
  )
  expect(await run(join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--config', config)).toMatch(/Tests\s+1 passed/)
})

test('the snippet for Jest passes', async () => {
  await write('@jest/globals', 'snippet.test.mjs')
  const config = join(folder, 'jest.config.json')
  writeFileSync(
    config,
    JSON.stringify({
      rootDir: folder,
      testMatch: ['**/*.test.mjs'],
      transform: {},
      moduleFileExtensions: ['mjs', 'js'],
    }),
  )
  const jest = join(ROOT, 'node_modules/jest/bin/jest.js')
  const args = ['--experimental-vm-modules', jest, '--config', config, '--runInBand', '--watchman=false']
  expect(await run(...args)).toContain('1 passed')
})
