import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Case, measure } from '../measure.ts'
import type { Running } from '../processes.ts'
import { Stage } from '../stage.ts'

const UNPINNED = { measured: undefined, other: undefined, note: '' }
let stage: Stage
beforeEach(async () => {
  stage = await Stage.open(UNPINNED)
})
afterEach(() => stage.close())

/** A case without a process: each load answers two requests and takes a millisecond of processor time. */
function simulated(by: string, ran: string[], isNode = true): Case {
  let cpuUs = 0
  const asked = (what: string): Promise<never> => {
    ran.push(`${by}: ${what}`)
    return Promise.resolve(undefined as never)
  }
  const measured: Running = {
    name: by,
    isNode,
    ask: asked,
    usage: async () => ({ cpuUs, rssBytes: 0, heapBytes: 0 }),
    answersAt: async () => {},
    stop: async () => {},
  }
  const run: Case['run'] = async (forMs) => {
    ran.push(by)
    cpuUs += 1_000
    return { requests: 2, elapsedMs: forMs, p50Ms: 1, p99Ms: 2, wrong: undefined }
  }
  return { group: 'g', by, measured, run }
}
/** Without real waits. */
const EFFORT = { rounds: 3, roundMs: 4, onProgress: () => {}, wait: async () => {} }

test('runs every case once in a round and starts each round with another one', async () => {
  const ran: string[] = []
  const results = await measure(stage, [simulated('a', ran), simulated('b', ran)], EFFORT)
  expect(ran.join('')).toBe('aabb' + 'ab' + 'ba' + 'ab')
  expect(results.map(({ rounds }) => rounds.length)).toEqual([3, 3])
  expect(results[0]?.rounds[0]).toEqual({ cpuUs: 500, perSecond: 500, p50Ms: 1, p99Ms: 2, busy: 0.25 })
})

test('records profiles of Node processes in a further round that does not count', async () => {
  const ran: string[] = []
  const cases = [simulated('a', ran), simulated('python', ran, false)]
  const results = await measure(stage, cases, { ...EFFORT, rounds: 1, profiles: '/profiles' })
  expect(ran.slice(6)).toEqual(['a: profile-start', 'a', 'a: profile-stop'])
  expect(results.map(({ rounds }) => rounds.length)).toEqual([1, 1])
})

test('prepares a case before each load', async () => {
  const ran: string[] = []
  const prepare = async (): Promise<void> => {
    ran.push('prepare')
  }
  await measure(stage, [{ ...simulated('a', ran), prepare }], { ...EFFORT, rounds: 1 })
  expect(ran).toEqual(Array(3).fill(['prepare', 'a']).flat())
})

/** A case that writes a log. */
function logging(lines: string): Case {
  const one = simulated('a', [])
  const logFile = stage.logFile('a')
  return {
    ...one,
    logFile,
    run: async (forMs) => {
      await writeFile(logFile, lines, { flag: 'a' })
      return one.run(forMs)
    },
  }
}

test('fails if the log has fewer lines than requests, and empties it after each load', async () => {
  await measure(stage, [logging('{}\n{}\n')], EFFORT)
  // A line that is not complete does not count. The log was emptied, so earlier lines cannot help.
  await expect(measure(stage, [logging('{}\n{}')], EFFORT)).rejects.toThrow('g, a: 1 log lines for 2 requests')
})

test('waits for lines that are written after the load, but not without end', async () => {
  const late = (afterWaits: number): Promise<unknown> => {
    let waits = 0
    const wait = async (): Promise<void> => {
      waits += 1
      if (waits % afterWaits === 0) await writeFile(stage.logFile('a'), '\n', { flag: 'a' })
    }
    return measure(stage, [logging('{}\n{}')], { ...EFFORT, wait })
  }
  await late(10)
  await expect(late(100)).rejects.toThrow('g, a: 1 log lines for 2 requests')
})
