import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const FOLDER = join(import.meta.dirname, '..')
const LINES_MAX = 39
/** Far more than an example takes, also on a busy machine. */
const ENDS_WITHIN_MS = 15_000

const OUTPUTS: Readonly<Record<string, readonly string[]>> = {
  'breaker.ts': [
    'call 1 failed: connection refused',
    'call 2 failed: connection refused',
    'circuit: closed -> open',
    'call 3 failed: connection refused',
    'call 4 rejected without a request: open',
    'requests sent: 3',
    'circuit: open -> half-open',
    'circuit: half-open -> closed',
    'paid',
  ],
  'fastify.ts': ['200 potion', '409 OUT_OF_STOCK: Only 5 left.', '422 VALIDATION_ERROR: The request is not valid.'],
  'fetch.ts': ['stock: 7, after 2 requests', 'status 404, not retried: 3 requests'],
  'queue-consumer.ts': [
    'sent: ana',
    'set aside: nada',
    'kept: bob, mail server is down',
    'kept: bob, the circuit is open',
    'sent: bob',
    'sent: eva',
  ],
  'retry.ts': [
    'attempt 1 failed: connection reset',
    'attempt 2 failed: connection reset',
    'price: 42',
    'attempt 1 failed: connection refused',
    'attempt 2 failed: connection refused',
    'failed after 3 attempts: connection refused',
  ],
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'))
const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8')

test('has an expected output for every example', () => {
  expect(files).toEqual(Object.keys(OUTPUTS))
})

test.each(files)('%s runs as a process, prints its output and ends by itself', async (name) => {
  const args = ['--conditions=@escudo/source', '--disable-warning=ExperimentalWarning', name]
  // A timeout or an exit code other than 0 rejects.
  const run = promisify(execFile)(process.execPath, args, { cwd: FOLDER, timeout: ENDS_WITHIN_MS })
  const { stdout, stderr } = await run
  expect(stderr).toBe('')
  expect(stdout.trimEnd().split('\n')).toEqual(OUTPUTS[name])
})

test.each(files)('%s has fewer than 40 lines and is in the README', (name) => {
  const lines = readFileSync(join(FOLDER, name), 'utf8').trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(LINES_MAX)
  expect(readme).toContain(`npm -w examples/minimal start ${name}`)
})
