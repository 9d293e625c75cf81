import type { LoadResult } from '../load.ts'
import type { Case, Suite } from '../measure.ts'
import { freePort, scriptOf } from '../processes.ts'
import { CALLER_NAMES, type CallerName } from '../programs/callers.ts'

/** The name of the group. */
export const CLIENT = 'client: GET 200'

/** What resilientFetch replaces. */
export const REPLACED: CallerName = 'fetch, AbortController and timer'

/** What a call to another service costs the client. */
export const clients: Suite = {
  groups: [CLIENT],
  baselineOf: (group) => ({ group, by: REPLACED }),
  async cases(stage) {
    const port = await freePort()
    const upstream = stage.other({ name: 'upstream', args: [scriptOf('programs/upstream.ts'), String(port)] })
    await upstream.answersAt(`http://127.0.0.1:${port}`)
    const cases: Case[] = []
    for (const by of CALLER_NAMES) {
      const measured = stage.measured({ name: by, args: [scriptOf('programs/client.ts'), by, String(port)] })
      cases.push({ group: CLIENT, by, measured, run: (forMs) => runClient(by, measured, forMs) })
    }
    return cases
  },
}

async function runClient(by: string, measured: Case['measured'], forMs: number): Promise<LoadResult> {
  const result = await measured.ask<LoadResult>('load', { forMs })
  if (result.wrong !== undefined) throw new Error(`${CLIENT}, ${by}: a wrong answer: ${result.wrong}`)
  return result
}
