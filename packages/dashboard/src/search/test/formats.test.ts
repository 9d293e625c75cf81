import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { queryOf, withField } from '../query.ts'
import { type History, historyOf } from './setup.ts'

const WILD = new URL('../../lines/test/wild/', import.meta.url).pathname

let history: History | undefined
afterEach(async () => {
  await history?.remove()
  history = undefined
})

describe('a search over logs of other programs', () => {
  it('finds the status that a load balancer does not write when no target answered', async () => {
    const line =
      '2026-11-28T14:00:00.123456Z my-elb 203.0.113.9:2817 10.0.0.1:80 0.001 0.002 -1 - - 0 0 "GET http://a:80/o HTTP/1.1"'
    history = await historyOf({ 'elb.log': `${line}\n` })
    for (const query of ['status:5xx', 'status:502', 'status>=500', '502', 'status:5xx path:/o'])
      expect([query, await history.all(query)]).toMatchObject([query, [{ status: 502 }]])
    expect(await history.all('status:4xx')).toEqual([])
  })

  it('finds each line by every value that is shown of it', async () => {
    const names = (await readdir(WILD)).filter((name) => name.endsWith('.log'))
    const missed: string[] = []
    let tried = 0
    for (const name of names) {
      history = await historyOf({ [name]: await readFile(join(WILD, name)) })
      const all = await history.all('')
      for (const line of all) {
        const queries = [
          withField('', 'service', line.service),
          ...(line.level === null ? [] : [withField('', 'level', line.level), line.level]),
          ...(line.status === null ? [] : [`status:${line.status}`, `status>=${line.status}`, `${line.status}`]),
          ...(line.latency_ms === null ? [] : [`latency>=${line.latency_ms}`]),
          ...(line.trace_id === null ? [] : [withField('', 'trace', line.trace_id), line.trace_id]),
          ...(line.path === null ? [] : [withField('', 'path', line.path)]),
          ...(line.error_code === null ? [] : [withField('', 'code', line.error_code)]),
          ...(line.event === null ? [] : [withField('', 'event', line.event)]),
          ...(line.message === null ? [] : [withField('', 'message', line.message), ...line.message.split(/\s+/)]),
        ].filter((query) => query !== '' && !query.startsWith('-') && queryOf(query, 0).problem === undefined)
        for (const query of queries) {
          tried += 1
          const found = await history.all(query)
          if (!found.some(({ place }) => place === line.place)) missed.push(`${name}: ${query}`)
        }
      }
      await history.remove()
      history = undefined
    }
    expect(missed).toEqual([])
    expect(tried).toBeGreaterThan(200)
  })
})
