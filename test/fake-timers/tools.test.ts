import { execFile } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { ROOT } from '../../tools/tidy/repository.ts'
import { bundle } from '../helpers/bundle.ts'
import { alternate } from './run-child.ts'

const IMPORTED = ['before', 'after'] as const
const CHILD_MAX_MS = 30_000
const CONDITION = '--conditions=@escudo/source'

const runFile = promisify(execFile)

/** Runs a program of this folder with Node; rejects with its output if it fails. */
async function run(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const options = { cwd: ROOT, timeout: CHILD_MAX_MS, env: { ...process.env, ...env } }
  const { stdout, stderr } = await runFile(process.execPath, args, options)
  return stdout + stderr
}

describe.each(IMPORTED)('policies follow fake time and are whole again after it, imported %s it began', (imported) => {
  test.each(['', 'setTimeout', 'setTimeout,Date', 'setTimeout,setInterval,setImmediate'])(
    'node:test, mock.timers.enable(%s)',
    async (apis) => {
      expect(await run([CONDITION, 'test/fake-timers/node-test.child.ts', apis, imported])).not.toContain('Error')
    },
  )

  // The output is empty: sinon would warn if a timer were cleared with the functions of another time.
  test('sinon', async () => {
    expect(await run([CONDITION, 'test/fake-timers/sinon.child.ts', imported])).toBe('')
  })

  test('Vitest', async () => {
    vi.resetModules()
    await alternate(
      {
        enable: () => vi.useFakeTimers(),
        tick: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
        reset: () => vi.useRealTimers(),
      },
      imported === 'after',
    )
  })
})

afterEach(() => {
  vi.useRealTimers()
})

describe('Jest', () => {
  let folder = ''

  beforeAll(async () => {
    folder = await bundle('test/fake-timers/jest.child.ts')
    const config = {
      rootDir: folder,
      testMatch: [join(folder, 'entry.mjs')],
      transform: {},
      moduleFileExtensions: ['mjs', 'js'],
    }
    writeFileSync(join(folder, 'jest.config.json'), JSON.stringify(config))
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each(IMPORTED)(
    'policies follow fake time and are whole again after it, imported %s it began',
    async (imported) => {
      const jest = join(ROOT, 'node_modules/jest/bin/jest.js')
      const args = [
        '--experimental-vm-modules',
        jest,
        '--config',
        join(folder, 'jest.config.json'),
        '--runInBand',
        '--watchman=false',
      ]
      expect(await run(args, { IMPORTED: imported })).toContain('1 passed')
    },
  )
})
