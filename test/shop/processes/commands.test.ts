import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Exit, freePorts, ROOT, start } from '../helpers/processes.ts'
import { openServices } from '../helpers/services.ts'
import { cleanUp } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'

// The npm scripts of the repository, and `npm run attack` as a user starts it (4.6d).

let all: Target

beforeAll(async () => {
  all = await openServices(['potion-shop', 'flaky-service'])
})
afterAll(cleanUp)

test.each(['start', 'test', 'check', 'contract', 'bench', 'dashboard', 'attack'])(
  'cmd: package.json has the script %s',
  async (name) => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }
    expect(scripts).toHaveProperty(name, expect.stringMatching(/./))
  },
)

test.todo('cmd: package.json has the script chaos')

/** Runs `npm run attack`; returns its exit, its lines for calls and its other lines. */
async function attack(
  ...args: readonly string[]
): Promise<{ readonly exit: Exit; readonly calls: readonly string[]; readonly rest: readonly string[] }> {
  const npm = start('npm', ['run', '--silent', 'attack', '--', ...args], {})
  const exit = await npm.exit
  const lines = `${npm.stdout()}${npm.stderr()}`.split('\n').filter((line) => line !== '')
  const isCall = (line: string): boolean => /^\d{2,} --> /.test(line)
  return { exit, calls: lines.filter(isCall), rest: lines.filter((line) => !isCall(line)) }
}

const numbers = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => String(index + 1).padStart(2, '0'))

test.concurrent('4.6d: attack prints one line for each of 20 calls, a summary, and exits with 0', async () => {
  const startedMs = performance.now()
  const { exit, calls, rest } = await attack('--url', `http://localhost:${all.ports['potion-shop']}/call-external`)
  const ms = performance.now() - startedMs
  expect(exit).toEqual({ code: 0, signal: null })
  expect(calls.map((line) => line.slice(0, 2))).toEqual(numbers(20))
  for (const line of calls) expect(line).toMatch(/^\d{2} --> (200|502|503) \| \{.+\}$/)
  expect(rest.length).toBeGreaterThanOrEqual(2)
  // 19 pauses of half a second.
  expect(ms).toBeGreaterThan(9_500)
  expect(ms).toBeLessThan(20_000)
}, 30_000)

test.concurrent('4.6d: attack prints an ERROR line for each call to a closed port and exits with 0', async () => {
  const [port] = await freePorts(1)
  const { exit, calls } = await attack('--url', `http://localhost:${port}/`, '--calls', '3', '--interval', '10ms')
  expect(exit).toEqual({ code: 0, signal: null })
  expect(calls.map((line) => line.slice(0, 2))).toEqual(numbers(3))
  for (const line of calls) expect(line).toMatch(/^\d{2} --> ERROR: .+$/)
})
