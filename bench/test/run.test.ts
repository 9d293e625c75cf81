import { expect, test } from 'vitest'
import { bench } from './setup.ts'

// One short round: these tests check the form of the report, never a time.
const SHORT = ['--rounds', '1', '--round-ms', '1', '--keys', '1000']

const GOALS = [
  'five policies, success: ≤ 8 × bare',
  'five policies, success (stretch): ≤ 5 × bare',
  'five policies, success: ≥ 15 × faster than cockatiel',
  'breaker and timeout, success: ≥ 3 × faster than opossum',
  'refusal by an open breaker, caught: ≥ 4 × faster than cockatiel',
  'refusal by an open breaker, caught: ≥ 4 × faster than opossum',
  'a failure with 1,000,000 calls in a window of calls, by one with 100: constant (≤ 1.25 ×)',
  'a failure with 1,000,000 calls in a window of time, by one with 100: constant (≤ 1.25 ×)',
  'one breaker per key, a million keys: ≤ 300 bytes a key',
  'five policies, success, allocated: ≤ 2048 bytes a call',
]

interface Document {
  readonly consumed: number
  readonly versions: Readonly<Record<string, string>>
  readonly results: readonly Readonly<Record<string, unknown>>[]
  readonly memory: readonly Readonly<Record<string, unknown>>[]
  readonly goals: readonly { readonly what: string; readonly goal: string; readonly verdict: string }[]
  readonly notes: readonly string[]
}

test('prints one JSON document with every group and a verdict for every goal', { timeout: 180_000 }, async () => {
  const [{ code, out, err }, { out: list }] = await Promise.all([bench('--json', ...SHORT), bench('--list')])
  expect([code, err]).toEqual([0, expect.stringContaining('bench: ')])
  const document = JSON.parse(out) as Document
  expect(document.goals.map(({ what, goal }) => `${what}: ${goal}`)).toEqual(GOALS)
  // Every goal is measured, unless the library lacks the feature.
  for (const { what, verdict } of document.goals) {
    expect(`${what}: ${verdict}`).toMatch(
      what.includes('per key') ? /: (met|missed|not available)$/ : /: (met|missed)$/,
    )
  }
  const names = list.trim().split('\n')
  const seen = new Set(document.results.map(({ group }) => group))
  const missing = names.slice(0, -1).filter((name) => !seen.has(name))
  expect(document.notes.filter((note) => missing.some((name) => note.startsWith(name)))).toHaveLength(missing.length)
  for (const result of document.results) {
    expect(result).toMatchObject({
      by: expect.any(String),
      nsPerCall: expect.any(Number),
      bytesPerCall: expect.any(Number),
    })
  }
  expect(document.memory.map(({ by }) => by)).toEqual(['escudo', 'cockatiel'])
  expect(Object.keys(document.versions)).toEqual(['escudo', 'cockatiel', 'opossum', 'p-retry', 'effect'])
  expect(document.consumed).toBeGreaterThan(0)
})

test('measures only the groups of --only and lists the other goals as not measured', { timeout: 60_000 }, async () => {
  const { code, out } = await bench('--only', 'bulkhead alone', ...SHORT)
  expect(code).toBe(0)
  const rows = out.split('\n').filter((line) => line.startsWith('| bulkhead alone'))
  expect(rows.map((line) => line.split('|')[2]?.trim())).toEqual(['bare', 'escudo', 'cockatiel', 'effect'])
  const goals = out
    .slice(out.indexOf('Goals'))
    .split('\n')
    .filter((line) => line.includes('goal ') && !line.includes('what'))
  expect(goals).toHaveLength(GOALS.length)
  for (const line of goals) expect(line).toMatch(/goal .+: not measured/)
})

test('prints only the tables for --markdown, with a warning for few rounds', {
  timeout: 60_000,
}, async () => {
  const { out } = await bench('--markdown', '--only', 'bulkhead alone', ...SHORT)
  expect(out).toContain('do not cite these figures')
  expect(out).not.toContain('consumed')
  expect(out.split('\n').filter((line) => /^\|[ |:-]+\|$/.test(line))).toHaveLength(2)
})

test.each([
  [['--fast'], "'--fast'"],
  [['everything'], "'everything'"],
  [['--rounds', '0'], '--rounds takes a whole number from 1 to 1000'],
  [['--rounds', 'many'], '--rounds takes a whole number'],
  [['--keys', '1'], '--keys takes a whole number'],
  [['--json', '--markdown'], 'exclude each other'],
  [['--only', 'no such group'], 'five policies, success'],
])('rejects %j with a message that names the problem', { timeout: 60_000 }, async (args, message) => {
  const { code, out, err } = await bench(...args)
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain(message)
  expect(err).not.toContain('    at ')
})

test('lists all options for --help', { timeout: 60_000 }, async () => {
  const { code, out } = await bench('--help')
  expect(code).toBe(0)
  for (const option of ['--only', '--list', '--rounds', '--round-ms', '--keys', '--json', '--markdown']) {
    expect(out).toContain(option)
  }
})
