import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { sample } from '../../service/load.ts'
import { Stage } from '../../service/stage.ts'
import { bench } from '../../test/setup.ts'
import { FRAMEWORKS, programArguments, TARGETS } from '../suites.ts'

// Very short rounds: these tests check that everything runs, never a time.
const SHORT = ['--rounds', '1', '--seconds', '0.1']

interface Document {
  readonly versions: Readonly<Record<string, string>>
  readonly results: readonly { readonly group: string; readonly by: string; readonly rounds: readonly unknown[] }[]
  readonly goals: readonly { readonly what: string; readonly value?: number; readonly verdict: string }[]
}

test('measures a framework alone, with its logger and with escudo', { timeout: 120_000 }, async () => {
  const { code, out, err } = await bench('frameworks', '--only', 'Koa:', '--json', ...SHORT)
  expect([code, err]).toEqual([0, expect.stringContaining('bench: ')])
  const { results, goals, versions } = JSON.parse(out) as Document
  expect(results.map(({ group, by }) => `${group}, ${by}`)).toEqual(
    ['alone', 'koa-pino-logger', 'escudo'].flatMap((by) => [`Koa: GET 200, ${by}`, `Koa: error thrown, 404, ${by}`]),
  )
  for (const { rounds } of results) expect(rounds).toHaveLength(1)
  const measured = goals.filter(({ verdict }) => verdict !== 'not measured')
  expect(measured.map(({ what }) => what)).toEqual(['Koa: GET 200', 'Koa: error thrown, 404'])
  for (const { value } of measured) expect(value).toBeGreaterThan(0)
  expect(Object.values(versions)).not.toContain('unknown')
})

test('lists the groups, explains the options and rejects what it does not know', { timeout: 60_000 }, async () => {
  const [list, help, unknown] = await Promise.all([
    bench('frameworks', '--list'),
    bench('frameworks', '--help'),
    bench('frameworks', '--requests', '1000'),
  ])
  expect(list.out.trim().split('\n')).toHaveLength(16)
  for (const option of ['only', 'list', 'rounds', 'seconds', 'cpu-prof', 'json', 'markdown']) {
    expect(help.out).toContain(`--${option} `)
  }
  expect([unknown.code, unknown.out]).toEqual([1, ''])
  expect(unknown.err).toContain('--requests')
})

describe('each program answers both requests and logs them', () => {
  test.each(FRAMEWORKS)('$name', { timeout: 60_000 }, async (framework) => {
    const stage = await Stage.open({ measured: undefined, other: undefined, note: '' })
    try {
      await Promise.all(
        (['logger', 'escudo'] as const).map(async (side) => {
          const args = (port: number) => programArguments(framework, port, side, stage.logFile(side))
          const server = await stage.server((port) => ({ name: side, args: args(port) }))
          for (const target of Object.values(TARGETS)) await sample(server.origin, target)
          const logged = async (): Promise<string> => await readFile(stage.logFile(side), 'utf8')
          for (const { path } of Object.values(TARGETS)) await expect.poll(logged, { timeout: 5_000 }).toContain(path)
        }),
      )
    } finally {
      await stage.close()
    }
  })
})
