import { expect, test } from 'vitest'
import { hasCallWatchers } from '../../packages/escudo/src/core/events/call-events.ts'
import { measureGroups } from '../alone.ts'
import { WINDOW_SIZES, windowOfCalls, windowOfTime } from '../cases/windows.ts'
import { GROUPS } from '../groups.ts'
import { consumedResults, type Group } from '../harness.ts'

/** Whether a call is watched while a contender of the group runs. */
async function watchesCalls({ build }: Group): Promise<boolean> {
  let watches = false
  for (const { run, atOnce, close } of await build()) {
    const running = run(atOnce ?? 1)
    watches ||= hasCallWatchers()
    await running
    close?.()
  }
  return watches || hasCallWatchers()
}

// The same code runs with a small window: filling one with a million calls takes long.
const LARGE = WINDOW_SIZES.slice(1).flatMap((size) => [windowOfCalls(size), windowOfTime(size)])

test('watches calls only in groups that are measured alone', { timeout: 60_000 }, async () => {
  const watching: string[] = []
  for (const group of GROUPS) {
    if (!LARGE.includes(group.name) && (await watchesCalls(group))) watching.push(group.name)
  }
  expect(watching).toEqual(GROUPS.filter(({ alone }) => alone).map(({ name }) => name))
  expect(watching).toContain('metrics: three policies, success')
})

test('measures such a group in another process', { timeout: 60_000 }, async () => {
  const name = 'metrics: three policies, success'
  const groups = GROUPS.filter((group) => group.name === name)
  const { results, consumed } = await measureGroups(groups, { rounds: 2, roundMs: 1 })
  expect(results.map(({ group, by, roundsNs }) => [group, by, roundsNs.length])).toEqual(
    ['bare', 'escudo', 'with text', 'with prom-client', 'with OpenTelemetry', 'with diagnostics'].map((by) => [
      ...[name, by, 2],
    ]),
  )
  expect(consumed).toBeGreaterThan(0)
  // No call was made in this process.
  expect(consumedResults()).toBe(0)
})
