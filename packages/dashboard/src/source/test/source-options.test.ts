import { describe, expect, it } from 'vitest'
import { readCommand } from '../../command-line.ts'

const URL_TEXT = 'victorialogs=http://127.0.0.1:9428'
const AUTHORIZATION = 'ESCUDO_DASHBOARD_SOURCE_AUTHORIZATION'

describe('--source', () => {
  it.each([
    ['victorialogs=http://127.0.0.1:9428', 'http://127.0.0.1:9428'],
    ['victorialogs=http://127.0.0.1:9428/', 'http://127.0.0.1:9428'],
    ['victorialogs=https://logs.example.com/team/', 'https://logs.example.com/team'],
    ['victorialogs=http://[::1]:9428', 'http://[::1]:9428'],
  ])('reads %s', (text, url) => {
    expect(readCommand(['--source', text], {})).toMatchObject({ kind: 'live', files: [], engine: { url, headers: {} } })
  })

  it.each([
    ['loki=http://a', 'takes victorialogs=URL'],
    ['http://a', 'takes victorialogs=URL'],
    ['victorialogs=', 'needs an http or https URL'],
    ['victorialogs=a:9428', 'needs an http or https URL'],
    ['victorialogs=file:///logs', 'needs an http or https URL'],
    ['victorialogs=http://a/?AccountID=1', 'without a query'],
    ['victorialogs=http://user:secret@a', AUTHORIZATION],
    ['victorialogs=http://secret@a', AUTHORIZATION],
  ])('refuses %s, and shows no credentials', (text, reason) => {
    expect(() => readCommand(['--source', text], {})).toThrow(reason)
    expect(() => readCommand(['--source', text], {})).not.toThrow(/secret/)
  })

  it('takes a token or a whole header from the environment, and further headers', () => {
    const headers = (authorization: string, ...args: string[]): unknown => {
      const command = readCommand(['--source', URL_TEXT, ...args], { [AUTHORIZATION]: authorization })
      return command.kind === 'live' ? command.engine?.headers : undefined
    }
    expect(headers('abc')).toEqual({ Authorization: 'Bearer abc' })
    expect(headers('Basic YTpi')).toEqual({ Authorization: 'Basic YTpi' })
    expect(headers('', '--source-header', 'AccountID:12', '--source-header=ProjectID: 3')).toEqual({
      AccountID: '12',
      ProjectID: '3',
    })
    expect(() => headers('a\nb')).toThrow(AUTHORIZATION)
    expect(() => headers('', '--source-header', 'no header')).toThrow('--source-header takes NAME:VALUE')
    expect(() => headers('', '--source-header', 'a:b\r\nc:d')).toThrow('--source-header takes NAME:VALUE')
  })

  it('reads an engine instead of files, and prints its totals once', () => {
    expect(readCommand(['--source', URL_TEXT, '--once', '--json'], {})).toMatchObject({
      kind: 'once',
      engine: { url: 'http://127.0.0.1:9428' },
    })
    const refusals = [
      [['--source', URL_TEXT, 'a.log'], 'instead of files'],
      [['--source', URL_TEXT, '--intake', '4318'], 'send lines to it'],
      [['--source', URL_TEXT, '--format', 'pino'], '--format is for files'],
      [['--source', URL_TEXT, '--report', 'a.html'], '--report reads files'],
      [['--source-header', 'a:b', 'a.log'], '--source-header goes with --source'],
    ] as const
    for (const [args, reason] of refusals) expect(() => readCommand(args, {})).toThrow(reason)
  })
})
