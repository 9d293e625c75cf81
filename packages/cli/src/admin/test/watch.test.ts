import { describe, expect, it, vi } from 'vitest'
import { COMMANDS } from '../../commands.ts'
import { runCommandLine } from '../../run-command-line.ts'
import { changesBetween } from '../watching.ts'
import { type Answer, json, run, serve } from './setup.ts'

const listed = (...shields: readonly object[]): object => ({ service: 'shop', shields })
const inventory = (state: string, more: object = {}): object => ({
  name: 'inventory',
  policies: [{ name: 'circuitBreaker', type: 'circuitBreaker', state }],
  ...more,
})

/** Runs `escudo watch` until `isDone` says so, and ends it as Ctrl-C does. */
async function watch(
  url: string,
  isDone: (out: string, err: string) => boolean,
  rows?: number,
  ...more: readonly string[]
) {
  let out = ''
  let err = ''
  const terminal = rows === undefined ? undefined : { columns: () => 80, rows: () => rows, hasColor: true }
  const ended = runCommandLine(['watch', '--url', url, '--interval', '0.1', ...more], COMMANDS, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    terminal,
  })
  try {
    await vi.waitFor(() => expect([out, err, isDone(out, err)]).toContain(true), { timeout: 5_000, interval: 10 })
  } finally {
    process.emit('SIGINT', 'SIGINT')
  }
  return { code: await ended, out, err }
}

describe('escudo watch', () => {
  it('prints the state once, then a line for each change', async () => {
    const answers = [
      listed(inventory('closed')),
      listed(inventory('open', { disabled: true })),
      listed({ name: 'products', policies: [] }),
    ]
    const { url } = await serve((response, one) =>
      json(200, answers.length > 1 ? answers.shift() : answers[0])(response, one),
    )
    const { code, out } = await watch(url, (text) => text.includes('is gone'))
    expect(code).toBe(0)
    const instant = /\d{4}-\d\d-\d\dT[\d:.]+Z /g
    expect(out.replaceAll(instant, '')).toBe(
      [
        `shop at ${url}`,
        '',
        'inventory',
        '  circuitBreaker  closed     ',
        'inventory: enabled -> disabled',
        'inventory circuitBreaker: closed -> open',
        'products is new: enabled',
        'inventory is gone',
        'inventory circuitBreaker is gone',
        '',
      ]
        .map((line) => line.trimEnd())
        .join('\n'),
    )
  })

  it('draws on a terminal again and again, no more lines than it has', async () => {
    const shields = Array.from({ length: 30 }, (_, index) => ({ name: `s-${index}`, policies: [] }))
    const { url } = await serve(json(200, listed(...shields)))
    const { code, out } = await watch(url, (text) => text.split('Ctrl-C ends').length > 2, 12)
    expect(code).toBe(0)
    const [, first = '', second = ''] = out.split('\u001b[H\u001b[J')
    expect([first.split('\n').length, second.split('\n').length]).toEqual([12, 12])
    expect(first).toContain('… 24 more lines: name a shield\n')
  })

  it('prints a line of JSON for each look', async () => {
    const { url } = await serve(json(200, listed(inventory('closed'))))
    const { out } = await watch(url, (text) => text.split('\n').length > 2, undefined, '--json')
    for (const line of out.trimEnd().split('\n')) expect(JSON.parse(line)).toEqual(listed(inventory('closed')))
  })

  it('goes on while the service is away, says so once, and ends if the token is no longer valid', async () => {
    const stopping = json(503, { error_code: 'SHUTTING_DOWN', message: 'Stopping.' })
    const fine = json(200, listed(inventory('closed')))
    const gone: Answer = (response) => response.destroy()
    const answers = [fine, stopping, stopping, gone, fine, json(401, { error_code: 'UNAUTHORIZED', message: 'No.' })]
    const { url } = await serve((response, one) => (answers.shift() ?? fine)(response, one))
    const { code, err } = await run(['watch', '--url', url, '--interval', '0.1'])
    expect(code).toBe(1)
    expect(err.replaceAll(/\d{4}-\S+Z/g, 'T').split('\n')).toEqual([
      'escudo: T Stopping. (503 SHUTTING_DOWN); trying again',
      expect.stringMatching(/^escudo: T the connection ended: .*; trying again$/),
      'escudo: T the service answers again',
      expect.stringMatching(/^escudo: No\. /),
      '',
    ])
  })

  it('exits with 3 if the service was never reached', async () => {
    expect(await run(['watch', '--url', 'http://127.0.0.1:9'])).toMatchObject({ code: 3, out: '' })
  })
})

describe('changesBetween', () => {
  it('finds nothing where nothing has changed', () => {
    const shields = [
      { name: 'a', disabled: false, error: undefined, policies: [{ name: 'b', state: 'open', details: '1' }] },
    ]
    expect(changesBetween(shields, structuredClone(shields))).toEqual([])
  })
})
